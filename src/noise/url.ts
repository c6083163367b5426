/** The URL of a server, as the specification writes it and as people paste it. */
import { decodeAuthorityPublicKey, encodeAuthorityPublicKey } from './authority-key.js';
import { NoiseError } from './errors.js';

/** Where a Stratum V2 server is, and who vouches for it (spec §4.7). */
export interface StratumUrl {
  /** A name, an IPv4 address, or an IPv6 address without brackets. */
  readonly host: string;
  /** 1 … 65535. */
  readonly port: number;
  /** 32-byte x-only key, or undefined if the URL has none. */
  readonly authorityPublicKey: Uint8Array | undefined;
  /** The user identity that stands before an `@`, as pools' pages for Stratum V1 have it; absent if there is none. */
  readonly user?: string;
}

const form = 'stratum2+tcp://HOST:PORT/AUTHORITY_KEY';

/** Bytes of a user identity, a STR0_255. */
const maxUserLength = 255;

/** What to write instead of other schemes that are seen with mining. */
const otherSchemes: readonly (readonly [RegExp, string])[] = [
  [
    /^stratum2\+(ssl|tls)$/,
    `there is no TLS in Stratum V2, which encrypts by itself (Noise): write ${form} with the port for that`,
  ],
  [
    /^(stratum|stratum\+(tcp|ssl|tls)|tcp|ssl|tls)$/,
    `that is Stratum V1 or unknown: for Stratum V2 it is ${form}, often with another port`,
  ],
];

/**
 * Reads a URL `stratum2+tcp://host:port[/AUTHORITY_KEY]` (spec §4.7). Understood too: no scheme (`host:port/KEY`), blanks
 * around it, and a user identity before the host (`user.worker@host:port`, percent-encoded where needed).
 * The specification names no default port, so there is none.
 * @throws NoiseError `url` that says what is wrong and what to write, `authority-key` if the key is wrong. Neither repeats
 * any of the text but its scheme and its port: a secret key may be anywhere in it
 */
export function parseStratumUrl(url: string): StratumUrl {
  const [, scheme = 'stratum2+tcp', rest = ''] =
    /^(?:([a-z][a-z0-9+.-]*):\/\/)?(.*)$/is.exec(url.trim()) ?? [];
  checkScheme(scheme.toLowerCase());
  const slash = rest.indexOf('/');
  const beforeSlash = slash < 0 ? rest : rest.slice(0, slash);
  const key = slash < 0 ? undefined : rest.slice(slash + 1);
  const at = beforeSlash.lastIndexOf('@');
  const user = at < 0 ? undefined : readUser(beforeSlash.slice(0, at));
  const { host, port } = readAddress(beforeSlash.slice(at + 1));
  if (key === '') {
    // Reading this as "no key" would turn authentication off for whoever forgot to fill in a variable.
    throw wrongUrl(
      'its authority key is missing after the last /: give one, or leave the / out to accept any server',
    );
  }
  return {
    host,
    port,
    authorityPublicKey: key === undefined ? undefined : decodeAuthorityPublicKey(key),
    ...(user === undefined ? {} : { user }),
  };
}

function checkScheme(scheme: string): void {
  if (scheme === 'stratum2+tcp') return;
  const known = otherSchemes.find(([pattern]) => pattern.test(scheme));
  throw wrongUrl(
    known === undefined
      ? `it must be of the form ${form}`
      : `its scheme must be stratum2+tcp, got ${scheme}: ${known[1]}`,
  );
}

function readUser(text: string): string {
  if (text.includes(':')) {
    throw wrongUrl(
      'it has a password before the @, and Stratum V2 has none: write stratum2+tcp://USER@HOST:PORT/AUTHORITY_KEY',
    );
  }
  if (text === '') throw wrongUrl('its user is missing before the @: give one, or leave the @ out');
  let user: string;
  try {
    user = decodeURIComponent(text);
  } catch {
    throw wrongUrl('its user has a % that does not begin two hex digits: write a % itself as %25');
  }
  if (/\p{Cc}/u.test(user) || new TextEncoder().encode(user).length > maxUserLength) {
    throw wrongUrl(`its user must be at most ${maxUserLength} bytes without control characters`);
  }
  return user;
}

function readAddress(text: string): { readonly host: string; readonly port: number } {
  const [, bracketed, name, port] = /^(?:\[([^\]]*)\]|([^:[\]]*))(?::([^:]*))?$/.exec(text) ?? [];
  const host = bracketed ?? name;
  if (host === undefined) {
    throw wrongUrl(
      `its host and port are not understood (an IPv6 address goes in brackets), expected ${form}`,
    );
  }
  if (host === '') throw wrongUrl(`its host is missing, expected ${form}`);
  const isHost =
    bracketed === undefined
      ? /^[^\s@?#%\\]+$/.test(host)
      : /^[0-9a-f:.]*:[0-9a-f:.]*(%[\w.-]+)?$/i.test(host);
  if (!isHost) throw wrongUrl(`what it has in the place of the host is none, expected ${form}`);
  if (port === undefined || port === '') {
    throw wrongUrl(`its port is missing, expected ${form}: there is no default, ask the pool`);
  }
  if (!/^\d{1,5}$/.test(port) || Number(port) < 1 || Number(port) > 65535) {
    const got = /^\d{1,9}$/.test(port) ? `, got ${port}` : `, expected ${form}`;
    throw wrongUrl(`its port must be a number from 1 to 65535${got}`);
  }
  return { host, port: Number(port) };
}

/**
 * Writes a URL `stratum2+tcp://[USER@]host:port[/AUTHORITY_KEY]`.
 * @throws NoiseError `authority-key` if the key is not an x-only public key
 */
export function formatStratumUrl({ host, port, authorityPublicKey, user }: StratumUrl): string {
  const bracketed = host.includes(':') ? `[${host}]` : host;
  const before = user === undefined ? '' : `${encodeURIComponent(user)}@`;
  const key = authorityPublicKey === undefined ? '' : `/${encodeAuthorityPublicKey(authorityPublicKey)}`;
  return `stratum2+tcp://${before}${bracketed}:${port}${key}`;
}

function wrongUrl(why: string): NoiseError {
  return new NoiseError('url', `the URL is wrong: ${why}`);
}
