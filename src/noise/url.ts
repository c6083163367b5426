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
}

const form = 'stratum2+tcp://host:port[/AUTHORITY_KEY]';

/**
 * Reads a URL `stratum2+tcp://host:port[/AUTHORITY_KEY]` (spec §4.7). The specification names no default port, so there is none.
 * @throws NoiseError `url` that says what is wrong, `authority-key` if the key is
 */
export function parseStratumUrl(url: string): StratumUrl {
  const [, scheme, rest] = /^([a-z][a-z0-9+.-]*):\/\/(.*)$/is.exec(url.trim()) ?? [];
  if (scheme === undefined || rest === undefined) throw wrongUrl(`it must be of the form ${form}`);
  if (scheme.toLowerCase() !== 'stratum2+tcp') {
    throw wrongUrl(`its scheme must be stratum2+tcp, got '${scheme}'`, { scheme });
  }
  const slash = rest.indexOf('/');
  const authority = slash < 0 ? rest : rest.slice(0, slash);
  const key = slash < 0 ? undefined : rest.slice(slash + 1);
  const [, bracketed, name, port] = /^(?:\[([^\]]*)\]|([^:[\]]*))(?::([^:]*))?$/.exec(authority) ?? [];
  const host = bracketed ?? name;
  if (host === undefined) {
    throw wrongUrl(
      `its host and port are not understood (an IPv6 address goes in brackets): '${authority}'`,
      {
        authority,
      },
    );
  }
  if (
    bracketed === undefined
      ? !/^[^\s@?#%\\]+$/.test(host)
      : !/^[0-9a-f:.]*:[0-9a-f:.]*(%[\w.-]+)?$/i.test(host)
  ) {
    throw wrongUrl(host === '' ? 'its host is missing' : `'${host}' is not a host`, { host });
  }
  if (port === undefined || port === '') throw wrongUrl(`its port is missing, expected ${form}`);
  if (!/^\d{1,5}$/.test(port) || Number(port) < 1 || Number(port) > 65535) {
    throw wrongUrl(`its port must be a number from 1 to 65535, got '${port}'`, { port });
  }
  if (key === '') {
    // Reading this as "no key" would turn authentication off for whoever forgot to fill in a variable.
    throw wrongUrl(
      'its authority key is missing after the last /: give one, or leave the / out to accept any server',
    );
  }
  return {
    host,
    port: Number(port),
    authorityPublicKey: key === undefined ? undefined : decodeAuthorityPublicKey(key),
  };
}

/**
 * Writes a URL `stratum2+tcp://host:port[/AUTHORITY_KEY]`.
 * @throws NoiseError `authority-key` if the key is not an x-only public key
 */
export function formatStratumUrl({ host, port, authorityPublicKey }: StratumUrl): string {
  const bracketed = host.includes(':') ? `[${host}]` : host;
  const key = authorityPublicKey === undefined ? '' : `/${encodeAuthorityPublicKey(authorityPublicKey)}`;
  return `stratum2+tcp://${bracketed}:${port}${key}`;
}

function wrongUrl(why: string, detail: Readonly<Record<string, unknown>> = {}): NoiseError {
  return new NoiseError('url', `the URL is wrong: ${why}`, detail);
}
