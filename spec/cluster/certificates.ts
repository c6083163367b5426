/** Certificates of a spec's own, made by `openssl`: an authority, and what it has signed for this machine. */
import { execFileSync } from 'node:child_process';
import { readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';

/** Files in PEM. */
export interface Certificates {
  /** Of the authority. */
  readonly ca: string;
  /** A server's, for 127.0.0.1, with its key. */
  readonly cert: string;
  readonly key: string;
}

/** Makes them in a folder. @param name what their names begin with */
export function certificatesIn(folder: string, name: string): Certificates {
  const file = (end: string): string => join(folder, `${name}-${end}.pem`);
  const openssl = (...words: readonly string[]): Buffer =>
    execFileSync('openssl', words, { stdio: ['ignore', 'ignore', 'pipe'] });
  const newKey = ['-newkey', 'ec', '-pkeyopt', 'ec_paramgen_curve:P-256', '-nodes', '-keyout'] as const;
  openssl(
    ...['req', '-x509', ...newKey, file('ca-key'), '-out', file('ca'), '-days', '2', '-subj', `/CN=${name}`],
  );
  openssl('req', ...newKey, file('key'), '-out', file('request'), '-subj', '/CN=localhost');
  writeFileSync(file('names'), 'subjectAltName=IP:127.0.0.1,DNS:localhost\n');
  openssl(
    ...['x509', '-req', '-in', file('request'), '-CA', file('ca'), '-CAkey', file('ca-key')],
    ...['-set_serial', '1', '-days', '2', '-extfile', file('names'), '-out', file('cert')],
  );
  return { ca: file('ca'), cert: file('cert'), key: file('key') };
}

/** What is in a file. */
export const textIn = (path: string): string => readFileSync(path, 'utf8');
