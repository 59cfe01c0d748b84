//! Small helpers for SIP as text: the generator's own messages are regular, so plain text scanning is enough.
use md5::{Digest, Md5};

pub fn header<'a>(msg: &'a str, name: &str) -> Option<&'a str> {
    let head = msg.split("\r\n\r\n").next()?;
    for l in head.split("\r\n").skip(1) {
        if let Some((n, v)) = l.split_once(':') {
            let n = n.trim();
            if n.eq_ignore_ascii_case(name) || compact(name).is_some_and(|c| n.eq_ignore_ascii_case(c)) {
                return Some(v.trim());
            }
        }
    }
    None
}
pub fn headers<'a>(msg: &'a str, name: &str) -> Vec<&'a str> {
    let head = msg.split("\r\n\r\n").next().unwrap_or("");
    head.split("\r\n")
        .skip(1)
        .filter_map(|l| l.split_once(':'))
        .filter(|(n, _)| n.trim().eq_ignore_ascii_case(name) || compact(name).is_some_and(|c| n.trim().eq_ignore_ascii_case(c)))
        .map(|(_, v)| v.trim())
        .collect()
}
fn compact(n: &str) -> Option<&'static str> {
    Some(match n {
        "Via" => "v",
        "Call-ID" => "i",
        "From" => "f",
        "To" => "t",
        "Contact" => "m",
        "Content-Length" => "l",
        _ => return None,
    })
}
/// Splits a comma-joined header at commas that stand outside <> and quotes.
pub fn split_list(v: &str) -> Vec<&str> {
    let (mut out, mut depth, mut q, mut s) = (vec![], 0, false, 0);
    for (i, c) in v.char_indices() {
        match c {
            '"' => q = !q,
            '<' if !q => depth += 1,
            '>' if !q => depth -= 1,
            ',' if !q && depth == 0 => {
                out.push(v[s..i].trim());
                s = i + 1
            }
            _ => {}
        }
    }
    out.push(v[s..].trim());
    out
}
pub fn status(msg: &str) -> Option<u16> {
    msg.strip_prefix("SIP/2.0 ")?.get(..3)?.parse().ok()
}
pub fn uri_in(v: &str) -> &str {
    match (v.find('<'), v.find('>')) {
        (Some(a), Some(b)) if a < b => &v[a + 1..b],
        _ => v.split(';').next().unwrap_or(v).trim(),
    }
}
fn auth_param<'a>(v: &'a str, k: &str) -> Option<&'a str> {
    let mut rest = v;
    while let Some(p) = rest.find(k) {
        let before = rest[..p].chars().last();
        let after = &rest[p + k.len()..];
        if after.starts_with('=') && before.is_none_or(|c| c == ' ' || c == ',') {
            let x = &after[1..];
            return Some(if let Some(q) = x.strip_prefix('"') { q.split('"').next()? } else { x.split(',').next()?.trim() });
        }
        rest = &rest[p + k.len()..];
    }
    None
}
fn md5hex(s: &str) -> String {
    let d = Md5::digest(s.as_bytes());
    let mut o = String::with_capacity(32);
    for b in d {
        o.push_str(&format!("{b:02x}"));
    }
    o
}
/// Picks an MD5 challenge out of a 401/407 and answers it. None where the server offers no MD5.
pub fn answer(msg: &str, method: &str, uri: &str, user: &str, pass: &str) -> Option<String> {
    let (hn, out) = if status(msg)? == 401 { ("WWW-Authenticate", "Authorization") } else { ("Proxy-Authenticate", "Proxy-Authorization") };
    let ch = headers(msg, hn).into_iter().find(|c| auth_param(c, "algorithm").is_none_or(|a| a.eq_ignore_ascii_case("MD5")))?;
    let realm = auth_param(ch, "realm")?;
    let nonce = auth_param(ch, "nonce")?;
    let ha1 = md5hex(&format!("{user}:{realm}:{pass}"));
    let ha2 = md5hex(&format!("{method}:{uri}"));
    let mut s = format!("{out}: Digest username=\"{user}\", realm=\"{realm}\", nonce=\"{nonce}\", uri=\"{uri}\", algorithm=MD5");
    if auth_param(ch, "qop").is_some() {
        let r = md5hex(&format!("{ha1}:{nonce}:00000001:0a4f113b:auth:{ha2}"));
        s += &format!(", qop=auth, nc=00000001, cnonce=\"0a4f113b\", response=\"{r}\"");
    } else {
        s += &format!(", response=\"{}\"", md5hex(&format!("{ha1}:{nonce}:{ha2}")));
    }
    if let Some(op) = auth_param(ch, "opaque") {
        s += &format!(", opaque=\"{op}\"");
    }
    Some(s + "\r\n")
}
