//! Whether anybody in the cluster can speak a text: pure.

use proto::directory::Speech;
use proto::wire::{Membership, Role};

/// Impossible where there are media nodes and each says why it cannot; the first one's reason stands for all.
pub fn speech(membership: &Membership) -> Speech {
    let mut nodes = membership.members.iter().filter(|member| member.role() == Role::Media).peekable();
    let first = nodes.peek().map(|member| member.mute.clone());
    match first {
        Some(why) if nodes.all(|member| !member.mute.is_empty()) => Speech::Impossible(why),
        Some(_) | None => Speech::Possible,
    }
}

#[cfg(test)]
mod tests {
    use super::speech;
    use proto::directory::Speech;
    use proto::wire::{Member, Membership, Role};

    fn of(members: &[(Role, &str)]) -> Speech {
        let member = |(role, mute): &(Role, &str)| Member {
            role: (*role).into(),
            mute: (*mute).to_owned(),
            ..Member::default()
        };
        speech(&Membership { members: members.iter().map(member).collect(), ..Membership::default() })
    }

    #[test]
    fn there_is_speech_unless_every_media_node_says_why_not() {
        let why = "there is no program espeak-ng";
        assert_eq!(of(&[(Role::Proxy, ""), (Role::Media, why)]), Speech::Impossible(why.into()));
        assert_eq!(of(&[(Role::Media, why), (Role::Media, "another")]), Speech::Impossible(why.into()));
        assert_eq!(of(&[(Role::Media, why), (Role::Media, "")]), Speech::Possible);
        assert_eq!(of(&[(Role::Media, "")]), Speech::Possible, "an older one says nothing");
        assert_eq!(of(&[(Role::Proxy, ""), (Role::Registry, "")]), Speech::Possible, "no media node has come yet");
    }
}
