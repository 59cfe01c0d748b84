mod client;
mod network;
mod server;

use super::*;
use crate::hop::Transport;
use crate::message::Name;
use std::sync::LazyLock;
use std::time::Duration;

/// One endpoint, and a test in the place of its user, its network and its clock.
struct Bench {
    endpoint: Endpoint,
    now: Instant,
    hop: Hop,
}

impl Bench {
    fn over(transport: Transport) -> Bench {
        Bench {
            endpoint: Endpoint::new(Timers::default(), "192.0.2.1:5060".to_owned(), 1),
            now: at(0),
            hop: Hop::new(transport, ([192, 0, 2, 9], 5060).into()),
        }
    }

    fn hear(&mut self, text: &str) {
        self.hear_from(self.hop, text);
    }

    fn hear_from(&mut self, from: Hop, text: &str) {
        self.endpoint.handle_message(self.now, from, text.as_bytes());
    }

    fn request(&mut self, text: &str) -> ClientId {
        self.endpoint.request(self.now, self.hop, text.as_bytes().to_vec())
    }

    /// Builds and sends a response to a request that was heard.
    fn respond(&mut self, id: ServerId, request: &str, status: u16) {
        let request = Message::parse(request.as_bytes()).unwrap();
        let response = Builder::response(&request, status, "Some Reason").to_tag("ours").finish();
        self.endpoint.respond(self.now, id, response);
    }

    /// Lets time pass, to each deadline on the way.
    fn wait(&mut self, millis: u64) {
        let until = self.now + Duration::from_millis(millis);
        while let Some(due) = self.endpoint.poll_timeout().filter(|due| *due <= until) {
            self.now = due;
            self.endpoint.handle_timeout(due);
        }
        self.now = until;
    }

    /// What has been sent since the last look, with its hop.
    fn sent_to(&mut self) -> Vec<(Hop, String)> {
        let text = |transmit: Transmit| (transmit.to, String::from_utf8(transmit.bytes).unwrap());
        std::iter::from_fn(|| self.endpoint.poll_transmit()).map(text).collect()
    }

    fn sent(&mut self) -> Vec<String> {
        self.sent_to().into_iter().map(|(_, text)| text).collect()
    }

    fn sent_one(&mut self) -> String {
        let mut sent = self.sent();
        assert_eq!(sent.len(), 1, "{sent:#?}");
        sent.remove(0)
    }

    fn events(&mut self) -> Vec<Event> {
        std::iter::from_fn(|| self.endpoint.poll_event()).collect()
    }

    /// The id of the one new request.
    fn server(&mut self) -> ServerId {
        match &self.events()[..] {
            [Event::Request { id, .. }] => *id,
            other => panic!("{other:#?}"),
        }
    }

    /// The statuses of the responses that the user got, and nothing else.
    fn responses(&mut self) -> Vec<u16> {
        let status = |event| match event {
            Event::Response { bytes, .. } => Message::parse(&bytes).unwrap().status().unwrap(),
            other => panic!("{other:?}"),
        };
        self.events().into_iter().map(status).collect()
    }

    #[track_caller]
    fn assert_idle_after(&mut self, millis: u64) {
        self.wait(millis - 1);
        assert!(!self.endpoint.is_idle(), "too early");
        self.wait(1);
        self.sent();
        self.events();
        assert!(self.endpoint.is_idle(), "too late");
    }
}

fn at(millis: u64) -> Instant {
    static START: LazyLock<Instant> = LazyLock::new(Instant::now);
    *START + Duration::from_millis(millis)
}

fn first_line(text: &str) -> &str {
    text.lines().next().unwrap()
}

fn branch(text: &str) -> String {
    Message::parse(text.as_bytes()).unwrap().via().branch.unwrap().to_owned()
}
