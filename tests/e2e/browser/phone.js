// JsSIP telephones in a page, which reports what it saw to the test that serves it. With `role` "both" two of them register, the first
// calls the second, they talk until audio has flowed both ways, and hang up. With "caller" or "callee" there is one, Alice, who talks to
// a telephone of another kind until she hears its tone of `tone` Hz.
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

// A steady tone is noise to what would clean the microphone's sound.
const plain = { echoCancellation: false, noiseSuppression: false, autoGainControl: false };
const media = { mediaConstraints: { audio: plain, video: false }, pcConfig: { iceServers: [] } };

function call(phone) {
  return new Promise((resolve, reject) => {
    const session = phone.call(`sip:${parameters.get("dial")}@${domain}`, {
      ...media,
      eventHandlers: {
        progress: () => step("it rings"),
        confirmed: () => { step("answered"); resolve(session); },
        failed: (e) => reject(new Error(`the call failed: ${e.cause} ${e.message ? e.message.status_code : ""}`)),
      },
    });
  });
}

// Resolves when the call that comes in next is over; `taken` is told of it.
function answer(phone, taken) {
  return new Promise((resolve) => {
    phone.on("newRTCSession", ({ session, originator }) => {
      if (originator !== "remote") return;
      step(`called by ${session.remote_identity.uri.user}`);
      session.on("ended", () => { step("saw the end"); resolve(); });
      session.on("confirmed", () => taken(session));
      session.answer(media);
    });
  });
}

// Waits until the loudest frequency of what comes in is that of the tone.
async function hears(connection, tone) {
  const stream = new MediaStream(connection.getReceivers().map((receiver) => receiver.track));
  // Without an element that plays it, a remote stream says nothing to WebAudio.
  const element = new Audio();
  element.srcObject = stream;
  await element.play();
  const context = new AudioContext();
  await context.resume();
  const analyser = new AnalyserNode(context, { fftSize: 8192 });
  context.createMediaStreamSource(stream).connect(analyser);
  const levels = new Float32Array(analyser.frequencyBinCount);
  for (;;) {
    analyser.getFloatFrequencyData(levels);
    const peak = levels.reduce((best, level, bin) => (level > levels[best] ? bin : best), 0);
    const frequency = (peak * context.sampleRate) / analyser.fftSize;
    if (levels[peak] > -60 && Math.abs(frequency - tone) < 10) {
      step(`hears ${frequency.toFixed(0)} Hz at ${levels[peak].toFixed(0)} dB`);
      return;
    }
    await new Promise((resolve) => setTimeout(resolve, 100));
  }
}

async function both() {
  const alice = telephone("alice", "alice-demo");
  const bob = telephone("bob", "bob-demo");
  let taken;
  const ended = answer(bob.phone, (session) => { taken = session; });
  alice.phone.start();
  bob.phone.start();
  await within(15, "registration", Promise.all([alice.registered, bob.registered]));
  const session = await within(20, "answer", call(alice.phone));
  const audio = (async () => {
    for (;;) {
      const [a, b] = [await received(session.connection), taken ? await received(taken.connection) : 0];
      if (a > 5000 && b > 5000) return;
      await new Promise((resolve) => setTimeout(resolve, 100));
    }
  })();
  await within(20, "audio", audio);
  step("audio flows both ways");
  session.terminate();
  await within(10, "end", ended);
  alice.phone.stop();
  bob.phone.stop();
}

async function one(role) {
  const alice = telephone("alice", "alice-demo");
  const tone = Number(parameters.get("tone"));
  let taken;
  const session = new Promise((resolve) => { taken = resolve; });
  const ended = answer(alice.phone, taken);
  alice.phone.start();
  await within(15, "registration", alice.registered);
  step("ready");
  await fetch("/ready", { method: "POST" });
  if (role === "caller") taken(await within(20, "answer", call(alice.phone)));
  const talking = await within(40, "call", session);
  await within(20, "tone", hears(talking.connection, tone));
  // The other side is to hear enough as well.
  await new Promise((resolve) => setTimeout(resolve, 3000));
  if (role === "caller") talking.terminate();
  else await within(20, "end", ended);
  alice.phone.stop();
}

const role = parameters.get("role") || "both";
(role === "both" ? both() : one(role)).then(() => report("passed"), (error) => report(`failed: ${error.message}`));
