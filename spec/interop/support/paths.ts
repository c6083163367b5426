import { fileURLToPath } from 'node:url';

const here = (path: string): string => fileURLToPath(new URL(path, import.meta.url));

/** The root of the repository. */
export const root = here('../../..');
/** Where what others wrote is installed; not in git. */
export const cache = here('../.cache');
export const sriPeerManifest = here('../sri-peer/Cargo.toml');
/** `target` is where the manifest's cargo puts it, whatever CARGO_TARGET_DIR says. */
export const sriPeerTarget = here('../sri-peer/target');
export const sriPeer = `${sriPeerTarget}/debug/sri-peer`;
export const btcd = `${cache}/bin/btcd`;
export const apps = process.env['SRI_APPS'] ?? `${cache}/apps`;
export const sv2 = here('../../../dist/cli/main.js');
