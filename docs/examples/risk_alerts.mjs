// Follow risk alerts as they are raised: node risk_alerts.mjs
// NATS is a text protocol: this needs Node and nothing else. The @nats-io/transport-node package does the same.
import net from "node:net";

const url = new URL(process.env.CLEARTIDE_URL.replace("nats:", "http:"));
const [user, pass] = [url.username, url.password].map(decodeURIComponent);
const socket = net.connect(Number(url.port || 4222), url.hostname);
socket.write(`CONNECT ${JSON.stringify({ user, pass, headers: true, verbose: false })}\r\nSUB risk.alerts.> 1\r\n`);

let held = Buffer.alloc(0);
socket.on("data", (bytes) => {
  held = Buffer.concat([held, bytes]);
  for (let end; (end = held.indexOf("\r\n")) >= 0; ) {
    const [verb, ...words] = held.subarray(0, end).toString().split(" ");
    const size = verb.endsWith("MSG") ? Number(words.at(-1)) : -2; // other lines have no payload
    if (held.length < end + 4 + size) return;
    const payload = held.subarray(end + 2, end + 2 + Math.max(size, 0));
    held = held.subarray(end + 4 + size);
    if (verb === "PING") socket.write("PONG\r\n");
    if (verb === "-ERR") throw new Error(words.join(" "));
    if (size < 0) continue;
    const head = verb === "HMSG" ? Number(words.at(-2)) : 0;
    const alert = JSON.parse(payload.subarray(head));
    console.log(alert.seq, alert.level, alert.account, alert.health_factor);
  }
});
