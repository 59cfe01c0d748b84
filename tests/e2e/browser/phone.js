// Two JsSIP telephones in one page: both register, the first calls the second, talks until audio has flowed both ways,
// hangs up, and the page reports what it saw to the test that serves it.
import JsSIP from "jssip";

const parameters = new URLSearchParams(location.search);
const server = parameters.get("server");
const domain = parameters.get("domain");
const steps = [];
const step = (text) => steps.push(text);

function report(outcome) {
  return fetch("/report", { method: "POST", body: JSON.stringify({ outcome, steps }) });
}

function telephone(name, password) {
  const phone = new JsSIP.UA({
    sockets: [new JsSIP.WebSocketInterface(server)],
    uri: `sip:${name}@${domain}`,
    password,
    register: true,
    session_timers: true,
  });
  const registered = new Promise((resolve, reject) => {
    phone.on("registered", () => { step(`${name} registered`); resolve(); });
    phone.on("registrationFailed", (e) => reject(new Error(`${name}: registration failed: ${e.cause}`)));
  });
  return { phone, registered };
}

const within = (seconds, what, promise) =>
  Promise.race([promise, new Promise((_, reject) => setTimeout(() => reject(new Error(`no ${what} in ${seconds} s`)), seconds * 1000))]);

// Bytes of audio that a peer connection has received so far.
async function received(connection) {
  let bytes = 0;
  (await connection.getStats()).forEach((s) => { if (s.type === "inbound-rtp") bytes += s.bytesReceived; });
  return bytes;
}

async function run() {
  const alice = telephone("alice", "alice-demo");
  const bob = telephone("bob", "bob-demo");
  const ended = new Promise((resolve) => {
    bob.phone.on("newRTCSession", ({ session, originator }) => {
      if (originator !== "remote") return;
      step(`bob is called by ${session.remote_identity.uri.user}`);
      session.on("ended", () => { step("bob saw the end"); resolve(); });
      session.answer({ mediaConstraints: { audio: true, video: false }, pcConfig: { iceServers: [] } });
      bob.session = session;
    });
  });
  alice.phone.start();
  bob.phone.start();
  await within(15, "registration", Promise.all([alice.registered, bob.registered]));
  const confirmed = new Promise((resolve, reject) => {
    alice.session = alice.phone.call(`sip:${parameters.get("dial")}@${domain}`, {
      mediaConstraints: { audio: true, video: false },
      pcConfig: { iceServers: [] },
      eventHandlers: {
        progress: () => step("alice hears it ring"),
        confirmed: () => { step("alice is answered"); resolve(); },
        failed: (e) => reject(new Error(`the call failed: ${e.cause} ${e.message ? e.message.status_code : ""}`)),
      },
    });
  });
  await within(20, "answer", confirmed);
  const audio = (async () => {
    for (;;) {
      const [a, b] = [await received(alice.session.connection), await received(bob.session.connection)];
      if (a > 5000 && b > 5000) return;
      await new Promise((resolve) => setTimeout(resolve, 100));
    }
  })();
  await within(20, "audio", audio);
  step("audio flows both ways");
  alice.session.terminate();
  await within(10, "end", ended);
  alice.phone.stop();
  bob.phone.stop();
}

run().then(() => report("passed"), (error) => report(`failed: ${error.message}`));
