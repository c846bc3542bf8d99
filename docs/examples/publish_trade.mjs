// Report a trade that was matched elsewhere: node publish_trade.mjs MARKET TRADE_ID PRICE SIZE BUYER SELLER
// NATS is a text protocol: this needs Node and nothing else. The @nats-io/transport-node package does the same.
import net from "node:net";

const url = new URL(process.env.CLEARTIDE_URL.replace("nats:", "http:"));
const [user, pass] = [url.username, url.password].map(decodeURIComponent);
const [market, trade_id, price, size, buyer, seller] = process.argv.slice(2);
const now = Date.now() * 1000;
const id = `${user}-${trade_id}`;
const terms = { market, trade_id, price, size, buyer, seller, executed_at: now };
const trade = JSON.stringify({ id, type: "ReportTrade", version: 1, occurred_at: now, source: user, ...terms });
const head = `NATS/1.0\r\nNats-Msg-Id: ${user}.${id}\r\n\r\n`; // sent again, it is stored once
const inbox = `_INBOX_${user}.${process.pid}`;

const socket = net.connect(Number(url.port || 4222), url.hostname);
socket.write(`CONNECT ${JSON.stringify({ user, pass, headers: true, verbose: false })}\r\nSUB ${inbox} 1\r\n`);
socket.write(`HPUB trades.${market} ${inbox} ${head.length} ${head.length + Buffer.byteLength(trade)}\r\n${head}${trade}\r\n`);

let said = "";
socket.on("data", (bytes) => {
  said += bytes;
  const stored = said.match(/MSG \S+ 1 \d+\r\n(.*)\r\n/);
  if (!stored && !said.includes("-ERR")) return;
  console.log(stored ? JSON.parse(stored[1]).seq : said);
  process.exit(stored ? 0 : 1);
});
