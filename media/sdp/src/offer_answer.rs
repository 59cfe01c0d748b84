//! The rules between an offer and its answer, and between one description of a session and the next (RFC 3264).

use std::cmp::Ordering;

use crate::line::Lines;
use crate::{Media, Sdp};

/// What makes an answer no answer to its offer.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum AnswerError {
    /// RFC 3264 §6: one m= line for each of the offer's.
    #[error("{answered} streams answer {offered}")]
    Streams {
        /// m= lines of the offer.
        offered: usize,
        /// m= lines of the answer.
        answered: usize,
    },
    /// RFC 3264 §6: the same kind and protocol in the same place.
    #[error("stream {0} is answered by one of another kind or protocol")]
    Kind(usize),
    /// RFC 3264 §6: what was offered without use must be refused.
    #[error("stream {0} was offered with port 0 and answered with another")]
    Revived(usize),
}

/// Holds an answer against its offer. Directions and formats are not judged: phones that answer sendrecv to sendonly,
/// or with formats of their own, are many, and a relay needs neither.
pub fn check_answer(offer: &Sdp<'_>, answer: &Sdp<'_>) -> Result<(), AnswerError> {
    let (offered, answered) = (offer.media().len(), answer.media().len());
    if offered != answered {
        return Err(AnswerError::Streams { offered, answered });
    }
    for (index, (offer, answer)) in offer.media().iter().zip(answer.media()).enumerate() {
        if offer.is_rejected() && !answer.is_rejected() {
            return Err(AnswerError::Revived(index));
        }
        // A refused stream's protocol is of no use to anybody, and some phones write RTP/AVP whatever was offered.
        if offer.kind_text != answer.kind_text || !answer.is_rejected() && !same_transport(offer, answer) {
            return Err(AnswerError::Kind(index));
        }
    }
    Ok(())
}

/// Equal protocols, or ones that differ in feedback (AVP, AVPF) alone, which many answers get wrong.
fn same_transport(offer: &Media<'_>, answer: &Media<'_>) -> bool {
    let base = |protocol: &str| protocol.strip_suffix(['F', 'f']).unwrap_or(protocol).to_ascii_uppercase();
    offer.protocol.eq_ignore_ascii_case(answer.protocol) || base(offer.protocol) == base(answer.protocol)
}

/// How a description stands to the one before it from the same sender.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Change {
    /// Nothing new: a refresh of the session, or a description seen before.
    None,
    /// A later version of the same session.
    Newer,
    /// Another session, or an earlier version of this one: to be taken as new all the same, since senders that restart
    /// are more common than descriptions that come out of order (CSeq keeps those).
    Restarted,
}

/// Compares the o= lines, and the texts where a sender changed them without a new version.
pub fn compare(previous: &Sdp<'_>, next: &Sdp<'_>) -> Change {
    let (before, after) = (previous.origin(), next.origin());
    if (before.user, before.session_id, before.address) != (after.user, after.session_id, after.address) {
        return Change::Restarted;
    }
    match after.cmp_version(&before) {
        Ordering::Greater => Change::Newer,
        Ordering::Less => Change::Restarted,
        Ordering::Equal if is_same_but_origin(previous.bytes(), next.bytes()) => Change::None,
        Ordering::Equal => Change::Newer,
    }
}

/// Two descriptions are equal line for line, o= apart: the later one may keep the earlier one's version.
pub fn is_same_but_origin(one: &[u8], two: &[u8]) -> bool {
    let rest = |bytes| Lines::new(bytes).filter(|line| line.letter != b'o').map(|line| (line.letter, line.value));
    rest(one).eq(rest(two))
}

#[cfg(test)]
mod tests {
    use super::{AnswerError, Change, check_answer, compare, is_same_but_origin};
    use crate::Sdp;
    use crate::vectors::{PHONE, RFC3264_ANSWER, RFC3264_ANSWER_2, RFC3264_OFFER, RFC3264_OFFER_2};

    fn parse(text: &[u8]) -> Sdp<'_> {
        Sdp::parse(text).unwrap()
    }

    #[test]
    fn the_answers_of_rfc_3264_fit_their_offers() {
        assert_eq!(check_answer(&parse(RFC3264_OFFER), &parse(RFC3264_ANSWER)), Ok(()));
        assert_eq!(check_answer(&parse(RFC3264_OFFER_2), &parse(RFC3264_ANSWER_2)), Ok(()));
    }

    #[test]
    fn an_answer_to_another_offer_is_none() {
        let streams = Err(AnswerError::Streams { offered: 4, answered: 3 });
        assert_eq!(check_answer(&parse(RFC3264_OFFER_2), &parse(RFC3264_ANSWER)), streams);
        assert_eq!(check_answer(&parse(RFC3264_OFFER_2), &parse(PHONE)), Err(AnswerError::Revived(1)));
        let moved = String::from_utf8_lossy(RFC3264_ANSWER).replace("m=video 0", "m=audio 0");
        assert_eq!(check_answer(&parse(RFC3264_OFFER), &parse(moved.as_bytes())), Err(AnswerError::Kind(1)));
        let secured = String::from_utf8_lossy(RFC3264_ANSWER).replace("49920 RTP/AVP", "49920 RTP/SAVP");
        assert_eq!(check_answer(&parse(RFC3264_OFFER), &parse(secured.as_bytes())), Err(AnswerError::Kind(0)));
        let feedback = String::from_utf8_lossy(RFC3264_ANSWER).replace("49920 RTP/AVP", "49920 RTP/AVPF");
        assert_eq!(check_answer(&parse(RFC3264_OFFER), &parse(feedback.as_bytes())), Ok(()));
    }

    #[test]
    fn a_later_version_is_a_change_and_an_equal_text_is_none() {
        assert_eq!(compare(&parse(RFC3264_ANSWER), &parse(RFC3264_OFFER_2)), Change::Newer);
        assert_eq!(compare(&parse(RFC3264_OFFER_2), &parse(RFC3264_ANSWER)), Change::Restarted);
        assert_eq!(compare(&parse(RFC3264_OFFER), &parse(RFC3264_OFFER)), Change::None);
        assert_eq!(compare(&parse(RFC3264_OFFER), &parse(RFC3264_ANSWER)), Change::Restarted);
        let careless = String::from_utf8_lossy(RFC3264_OFFER).replace("49170", "49172");
        assert_eq!(compare(&parse(RFC3264_OFFER), &parse(careless.as_bytes())), Change::Newer);
    }

    #[test]
    fn texts_are_the_same_without_regard_to_origin_and_line_ends() {
        let later = String::from_utf8_lossy(RFC3264_OFFER).replace("2890844526 2890844526", "1 2").replace('\r', "");
        assert!(is_same_but_origin(RFC3264_OFFER, later.as_bytes()));
        assert!(!is_same_but_origin(RFC3264_OFFER, RFC3264_ANSWER));
        assert!(!is_same_but_origin(RFC3264_OFFER, &RFC3264_OFFER[..RFC3264_OFFER.len() - 24]));
    }
}
