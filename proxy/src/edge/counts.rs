//! What the edge counts; the worker carries the sums to the metrics.

macro_rules! counts {
    ($($(#[$doc:meta])* $variant:ident = ($name:literal, $label:literal, $value:literal),)*) => {
        /// Something that happened to one message.
        #[derive(Clone, Copy, Debug, PartialEq, Eq)]
        pub enum Count { $($(#[$doc])* $variant,)* }

        impl Count {
            /// Every count, in the order of [`Counts`].
            pub const ALL: &[Count] = &[$(Count::$variant,)*];

            /// The metric's name, and the label and value that tell this count from others of the name.
            pub fn metric(self) -> (&'static str, &'static str, &'static str) {
                match self { $(Count::$variant => ($name, $label, $value),)* }
            }
        }
    };
}

counts! {
    /// A request from a phone.
    PublicRequest = ("tandem_proxy_received_total", "kind", "public-request"),
    /// A response from a phone.
    PublicResponse = ("tandem_proxy_received_total", "kind", "public-response"),
    /// A request from the cluster.
    InsideRequest = ("tandem_proxy_received_total", "kind", "inside-request"),
    /// A response from the cluster.
    InsideResponse = ("tandem_proxy_received_total", "kind", "inside-response"),
    /// A request passed on.
    RequestForwarded = ("tandem_proxy_forwarded_total", "kind", "request"),
    /// A response passed on.
    ResponseForwarded = ("tandem_proxy_forwarded_total", "kind", "response"),
    /// A request of a direct call passed on to a phone or its proxy.
    DirectForwarded = ("tandem_proxy_forwarded_total", "kind", "direct"),
    /// Answered 401 or 407.
    Challenged = ("tandem_proxy_answered_total", "kind", "challenge"),
    /// Answered with another failure.
    Refused = ("tandem_proxy_answered_total", "kind", "refusal"),
    /// A registration answered 200.
    Registered = ("tandem_proxy_answered_total", "kind", "registration"),
    /// OPTIONS to the exchange itself.
    OptionsAnswered = ("tandem_proxy_answered_total", "kind", "options"),
    /// Credentials that do not fit.
    AuthenticationFailed = ("tandem_proxy_authentications_total", "result", "failed"),
    /// Good credentials with a nonce that is too old.
    AuthenticationStale = ("tandem_proxy_authentications_total", "result", "stale"),
    /// Good credentials.
    AuthenticationPassed = ("tandem_proxy_authentications_total", "result", "passed"),
    /// A source that sent too much.
    Limited = ("tandem_proxy_dropped_total", "reason", "rate"),
    /// A banned source.
    Banned = ("tandem_proxy_dropped_total", "reason", "banned"),
    /// Not SIP, or too broken to answer.
    Malformed = ("tandem_proxy_dropped_total", "reason", "malformed"),
    /// A response whose Via is not ours.
    StrayResponse = ("tandem_proxy_dropped_total", "reason", "stray-response"),
    /// An ACK that ends here: of our own refusals, or with nowhere to go.
    AckAbsorbed = ("tandem_proxy_dropped_total", "reason", "ack"),
    /// The connection that the message was for is gone.
    FlowGone = ("tandem_proxy_dropped_total", "reason", "flow-gone"),
    /// The registry did not answer.
    RegistryUnavailable = ("tandem_proxy_registry_failures_total", "reason", "unavailable"),
    /// Too many questions waited for the registry.
    Overload = ("tandem_proxy_registry_failures_total", "reason", "overload"),
    /// A source was banned.
    BansBegun = ("tandem_proxy_bans_total", "reason", "authentication"),
}

/// The sums since the last time they were taken, by `Count as usize`.
#[derive(Clone, Debug)]
pub struct Counts([u64; Count::ALL.len()]);

impl Default for Counts {
    fn default() -> Counts {
        Counts([0; Count::ALL.len()])
    }
}

impl Counts {
    /// One more.
    pub fn add(&mut self, count: Count) {
        self.0[count as usize] += 1;
    }

    /// How many so far.
    pub fn of(&self, count: Count) -> u64 {
        self.0[count as usize]
    }

    /// What is not zero, which is then zero.
    pub fn take(&mut self) -> impl Iterator<Item = (Count, u64)> + use<> {
        let taken = std::mem::take(self);
        Count::ALL.iter().copied().map(move |count| (count, taken.of(count))).filter(|&(_, sum)| sum > 0)
    }
}
