/** The settings that a role runs with, as one line of its log: without what is secret. */
import { bytesToHex } from '../codec/hex.js';
import { quoted } from './printable.js';

/** Settings whose value nobody should see, by the end of their names. */
const isSecret = (key: string): boolean => /(secret_key|token_key|password|token|webhook)$/.test(key);

/** A URL with a password, or of NATS with a token, before its host. */
const hasUserInfo = (value: unknown): boolean =>
  typeof value === 'string' && /^([\w+]+:\/\/[^/]*:[^/]+|(nats|tls):\/\/[^/]+)@/.test(value);

/**
 * The settings that hold something secret, by their paths.
 * @param table as the configuration file has it
 */
export const secretsIn = (table: object, path = ''): readonly string[] =>
  Object.entries(table).flatMap(([key, value]: [string, unknown]) => {
    const name = `${path}${key}`;
    if (isSecret(key) || hasUserInfo(value)) return [name];
    return typeof value === 'object' && value !== null ? secretsIn(value, `${name}.`) : [];
  });

/** A URL without what stands before its host (user and password, whatever is in them) and after its path. */
const withoutUserInfo = (value: string): string =>
  /^[\w+]+:\/\//.test(value)
    ? value.replace(/\/\/.*@/s, '//(hidden)@').replace(/\?.*$/s, '?(hidden)')
    : value;

function shownValue(value: unknown): string {
  if (typeof value === 'string') return quoted(withoutUserInfo(value));
  if (typeof value === 'number' || typeof value === 'boolean' || typeof value === 'bigint')
    return String(value);
  if (value instanceof Uint8Array) return bytesToHex(value);
  if (Array.isArray(value)) return `[${value.map(shownValue).join(', ')}]`;
  if (typeof value !== 'object' || value === null) return String(value);
  const { host, port, ...others } = value as Readonly<Record<string, unknown>>;
  if (typeof host === 'string' && typeof port === 'number')
    return `${quoted(host.includes(':') ? `[${host}]` : host)}:${port}`;
  const { address } = others;
  return typeof address === 'string' && Object.keys(value).length > 1
    ? `{ ${settingsOf(value, '').join(', ')} }`
    : settingsOf(value, '').join(', ');
}

function settingsOf(settings: object, path: string): readonly string[] {
  return Object.entries(settings).flatMap(([key, value]: [string, unknown]) => {
    if (value === undefined || (Array.isArray(value) && value.length === 0)) return [];
    const name = `${path}${key}`;
    if (isSecret(key)) return [`${name} = (hidden)`];
    const isTable =
      typeof value === 'object' &&
      value !== null &&
      !Array.isArray(value) &&
      !(value instanceof Uint8Array) &&
      !('host' in value);
    return isTable ? settingsOf(value, `${name}.`) : [`${name} = ${shownValue(value)}`];
  });
}

/** All settings, those by default too: `listen_address = 127.0.0.1:34254, …`. */
export const effectiveSettings = (settings: object): string => settingsOf(settings, '').join(', ');
