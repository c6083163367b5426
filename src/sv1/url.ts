/** The URL of a Stratum V1 server, as pools' pages have it. */
import { Sv1Error } from './errors.js';

/** Where a Stratum V1 server is. */
export interface Sv1Url {
  /** A name, an IPv4 address, or an IPv6 address without brackets. */
  readonly host: string;
  /** 1 to 65535. */
  readonly port: number;
  readonly tls: boolean;
  /** What stands before the `@`; absent if there is none. */
  readonly user?: string;
  readonly password?: string;
}

const form = 'stratum+tcp://[USER[:PASSWORD]@]HOST:PORT';

/** Whether a URL is one of Stratum V1, by its scheme. */
export const isSv1Url = (url: string): boolean => /^\s*stratum\+(tcp|ssl|tls):\/\//i.test(url);

/**
 * Reads a URL `stratum+tcp://host:port`, or `stratum+ssl://` or `stratum+tls://` for TLS.
 * @throws Sv1Error `invalid-url`, which repeats nothing of it
 */
export function parseSv1Url(url: string): Sv1Url {
  const match =
    /^\s*stratum\+(tcp|ssl|tls):\/\/(?:([^@/]*)@)?(?:\[([0-9a-f:.]+)\]|([^\s@/?#:[\]]+)):(\d{1,5})\/?\s*$/i.exec(
      url,
    );
  const [, scheme = '', before, bracketed, name, digits = ''] = match ?? [];
  const [host, port] = [bracketed ?? name, Number(digits)];
  if (host === undefined || port < 1 || port > 65_535) throw wrong();
  const [, user, password] = /^([^:]*)(?::(.*))?$/s.exec(before ?? '') ?? [];
  return {
    host,
    port,
    tls: scheme.toLowerCase() !== 'tcp',
    ...(before === undefined || user === undefined ? {} : { user: decoded(user) }),
    ...(password === undefined ? {} : { password: decoded(password) }),
  };
}

function decoded(text: string): string {
  try {
    return decodeURIComponent(text);
  } catch {
    throw wrong();
  }
}

const wrong = (): Sv1Error => new Sv1Error('invalid-url', `the URL is wrong: expected ${form}`);
