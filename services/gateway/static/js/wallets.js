// Wallets in this browser, each with a way to ask for an address and for a signature of a text.

const ALPHABET = "123456789ABCDEFGHJKLMNPQRSTUVWXYZabcdefghijkmnopqrstuvwxyz";

function base58(bytes) {
  let number = bytes.reduce((sum, byte) => (sum << 8n) | BigInt(byte), 0n);
  let text = "";
  for (; number > 0n; number /= 58n) text = ALPHABET[Number(number % 58n)] + text;
  const zeros = bytes.findIndex((byte) => byte !== 0);
  return "1".repeat(zeros < 0 ? bytes.length : zeros) + text;
}

const hex = (text) => `0x${[...new TextEncoder().encode(text)].map((byte) => byte.toString(16).padStart(2, "0")).join("")}`;

function evm(name, provider) {
  return {
    name,
    chain: "ethereum",
    address: async () => (await provider.request({ method: "eth_requestAccounts" }))[0],
    sign: (text, address) => provider.request({ method: "personal_sign", params: [hex(text), address] }),
  };
}

function solana(name, provider) {
  return {
    name,
    chain: "solana",
    address: async () => String((await provider.connect()).publicKey),
    sign: async (text) => base58([...(await provider.signMessage(new TextEncoder().encode(text), "utf8")).signature]),
  };
}

/** Calls `found(wallets)` now and whenever a further wallet makes itself known (EIP-6963). */
export function discover(found) {
  const known = new Map();
  if (window.ethereum?.request) known.set("ethereum", evm("Ethereum wallet", window.ethereum));
  const others = { Phantom: window.phantom?.solana, Solflare: window.solflare, Backpack: window.backpack, "Solana wallet": window.solana };
  const seen = new Set();
  for (const [name, provider] of Object.entries(others)) {
    if (!provider?.signMessage || seen.has(provider)) continue;
    seen.add(provider);
    known.set(name, solana(name, provider));
  }
  addEventListener("eip6963:announceProvider", ({ detail }) => {
    known.delete("ethereum");
    known.set(detail.info.uuid, evm(detail.info.name, detail.provider));
    found([...known.values()]);
  });
  found([...known.values()]);
  dispatchEvent(new Event("eip6963:requestProvider"));
}
