import { fileURLToPath } from 'node:url';

const here = (path: string): string => fileURLToPath(new URL(path, import.meta.url));

/** The root of the repository. */
export const root = here('../../..');
export const sriPeerManifest = here('../sri-peer/Cargo.toml');
/** `target` is where the manifest's cargo puts it, whatever CARGO_TARGET_DIR says. */
export const sriPeerTarget = here('../sri-peer/target');
/** Where what others wrote is installed; neither git nor any tool of ours looks there. */
export const cache = `${sriPeerTarget}/interop`;
export const sriPeer = `${sriPeerTarget}/debug/sri-peer`;
export const btcd = `${cache}/bin/btcd`;
export const apps = process.env['SRI_APPS'] ?? `${cache}/apps`;
/** Bitcoin Core's node; BITCOIND names another. */
export const bitcoind = process.env['BITCOIND'] ?? `${cache}/bitcoin-core/bin/bitcoind`;
/** The same with IPC, of the Debian or Bitcoin Core's own packages or built with `ENABLE_IPC`: BITCOIN_NODE names it. */
export const bitcoinIpc = process.env['BITCOIN_NODE'];
/** Where `sv2` is built, with its package.json. */
export const sv2 = `${cache}/sv2`;
export const sv2Main = `${sv2}/dist/cli/main.js`;
