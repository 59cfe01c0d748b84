use std::fmt;

macro_rules! names {
    ($($(#[$doc:meta])* $variant:ident = $text:literal $(| $compact:literal)?;)*) => {
        /// The name of a header; long and compact forms are one name (RFC 3261 §7.3.3).
        #[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
        #[repr(u8)]
        pub enum Name {
            $($(#[$doc])* #[doc = concat!("`", $text, "`")] $variant,)*
            /// Any other name; its text is in the message.
            Other,
        }

        impl Name {
            /// Every name but `Other`.
            pub const ALL: &'static [Name] = &[$(Name::$variant),*];

            /// Long form as we write it; empty for `Other`.
            pub const fn text(self) -> &'static str {
                match self {
                    $(Name::$variant => $text,)*
                    Name::Other => "",
                }
            }

            const fn compact(byte: u8) -> Name {
                match byte {
                    $($($compact => Name::$variant,)?)*
                    _ => Name::Other,
                }
            }
        }
    };
}

names! {
    Accept = "Accept";
    AcceptContact = "Accept-Contact" | b'a';
    AcceptEncoding = "Accept-Encoding";
    AcceptLanguage = "Accept-Language";
    AlertInfo = "Alert-Info";
    Allow = "Allow";
    AllowEvents = "Allow-Events" | b'u';
    AuthenticationInfo = "Authentication-Info";
    Authorization = "Authorization";
    CallId = "Call-ID" | b'i';
    CallInfo = "Call-Info";
    Contact = "Contact" | b'm';
    ContentDisposition = "Content-Disposition";
    ContentEncoding = "Content-Encoding" | b'e';
    ContentLanguage = "Content-Language";
    ContentLength = "Content-Length" | b'l';
    ContentType = "Content-Type" | b'c';
    CSeq = "CSeq";
    Date = "Date";
    Diversion = "Diversion";
    ErrorInfo = "Error-Info";
    Event = "Event" | b'o';
    Expires = "Expires";
    FlowTimer = "Flow-Timer";
    From = "From" | b'f';
    Geolocation = "Geolocation";
    HistoryInfo = "History-Info";
    Identity = "Identity" | b'y';
    InReplyTo = "In-Reply-To";
    InfoPackage = "Info-Package";
    Join = "Join";
    MaxForwards = "Max-Forwards";
    MimeVersion = "MIME-Version";
    MinExpires = "Min-Expires";
    MinSe = "Min-SE";
    Organization = "Organization";
    PAssertedIdentity = "P-Asserted-Identity";
    PPreferredIdentity = "P-Preferred-Identity";
    Path = "Path";
    Priority = "Priority";
    Privacy = "Privacy";
    ProxyAuthenticate = "Proxy-Authenticate";
    ProxyAuthorization = "Proxy-Authorization";
    ProxyRequire = "Proxy-Require";
    RAck = "RAck";
    Reason = "Reason";
    RecordRoute = "Record-Route";
    RecvInfo = "Recv-Info";
    ReferSub = "Refer-Sub";
    ReferTo = "Refer-To" | b'r';
    ReferredBy = "Referred-By" | b'b';
    RejectContact = "Reject-Contact" | b'j';
    RemotePartyId = "Remote-Party-ID";
    Replaces = "Replaces";
    ReplyTo = "Reply-To";
    RequestDisposition = "Request-Disposition" | b'd';
    Require = "Require";
    RetryAfter = "Retry-After";
    Route = "Route";
    RSeq = "RSeq";
    Server = "Server";
    ServiceRoute = "Service-Route";
    SessionExpires = "Session-Expires" | b'x';
    SipEtag = "SIP-ETag";
    SipIfMatch = "SIP-If-Match";
    Subject = "Subject" | b's';
    SubscriptionState = "Subscription-State";
    Supported = "Supported" | b'k';
    /// Between our own roles:
    TandemCaller = "Tandem-Caller";
    /// Between our own roles:
    TandemDeclined = "Tandem-Declined";
    /// Between our own roles:
    TandemOffer = "Tandem-Offer";
    /// Between our own roles:
    TandemTarget = "Tandem-Target";
    TargetDialog = "Target-Dialog";
    Timestamp = "Timestamp";
    To = "To" | b't';
    Unsupported = "Unsupported";
    UserAgent = "User-Agent";
    UserToUser = "User-to-User";
    Via = "Via" | b'v';
    Warning = "Warning";
    WwwAuthenticate = "WWW-Authenticate";
}

impl Name {
    /// How many values the enum has, `Other` included.
    pub(crate) const COUNT: usize = Name::ALL.len() + 1;

    /// Any case, long or compact form.
    pub fn from_text(text: &str) -> Name {
        Name::from_bytes(text.as_bytes())
    }

    #[inline]
    pub(crate) fn from_bytes(text: &[u8]) -> Name {
        let (first, last) = match *text {
            [first, .., last] => (first, last),
            [letter] => return Name::compact(letter | 0x20),
            [] => return Name::Other,
        };
        let mut name = BUCKETS[bucket(text.len(), first, last)];
        while name != Name::Other {
            let known = TEXTS[name as usize].as_bytes();
            if known == text || known.eq_ignore_ascii_case(text) {
                return name;
            }
            name = CHAINS[name as usize];
        }
        name
    }
}

impl fmt::Display for Name {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.text())
    }
}

/// Names of one bucket are chained, so that a name can be added without a search for a perfect hash.
const fn bucket(len: usize, first: u8, last: u8) -> usize {
    (len * 10 + (first | 0x20) as usize * 61 + (last | 0x20) as usize * 15) & 0xff
}

static TEXTS: [&str; Name::COUNT] = texts();
/// First name of each bucket; the next ones are in `CHAINS`, `Other` ends them.
static BUCKETS: [Name; 256] = chained().0;
static CHAINS: [Name; Name::COUNT] = chained().1;

const fn texts() -> [&'static str; Name::COUNT] {
    let mut texts = [""; Name::COUNT];
    let mut index = 0;
    while index < Name::ALL.len() {
        texts[index] = Name::ALL[index].text();
        index += 1;
    }
    texts
}

const fn chained() -> ([Name; 256], [Name; Name::COUNT]) {
    let (mut buckets, mut chains) = ([Name::Other; 256], [Name::Other; Name::COUNT]);
    let mut index = 0;
    while index < Name::ALL.len() {
        let name = Name::ALL[index];
        let text = name.text().as_bytes();
        let slot = bucket(text.len(), text[0], text[text.len() - 1]);
        chains[name as usize] = buckets[slot];
        buckets[slot] = name;
        index += 1;
    }
    (buckets, chains)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_name_is_found_in_any_case() {
        for &name in Name::ALL {
            assert_eq!(Name::from_text(name.text()), name);
            assert_eq!(Name::from_text(&name.text().to_uppercase()), name);
            assert_eq!(Name::from_text(&name.text().to_lowercase()), name);
        }
        assert_eq!(Name::from_text("V"), Name::Via);
        assert_eq!(Name::from_text("x"), Name::SessionExpires);
        assert_eq!(Name::from_text("X-Other"), Name::Other);
        assert_eq!(Name::from_text(""), Name::Other);
    }
}
