import { maxWorkerNameLength } from '../messages/user-identity.js';

/**
 * The worker's name in a user identity, as pools and proxies have it: what comes after the first dot.
 * @param userIdentity such as `alice.rig1`
 * @returns `rig1`, cut to the 32 bytes that extension 0x0002 has for it; null if there is none
 */
export function workerNameOf(userIdentity: string): string | null {
  const dot = userIdentity.indexOf('.');
  if (dot === -1 || dot === userIdentity.length - 1) return null;
  let name = '';
  let length = 0;
  for (const character of userIdentity.slice(dot + 1)) {
    length += new TextEncoder().encode(character).length;
    if (length > maxWorkerNameLength) break;
    name += character;
  }
  return name;
}
