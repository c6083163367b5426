/** Whether others can read what is secret in a configuration file. */
import { statSync } from 'node:fs';
import { readToml } from './config.js';
import { secretsIn } from './effective-settings.js';
import { trouble, type LogLine } from './log-line.js';

/**
 * Warns of a file with something secret that others than its owner can read.
 * @param file the configuration file, which has been read; undefined if there is none
 */
export function exposedFile(file: string | undefined): readonly LogLine[] {
  if (file === undefined || process.platform === 'win32') return []; // its modes say nothing about who can read
  const { mode } = statSync(file, { throwIfNoEntry: false }) ?? { mode: 0 };
  if ((mode & 0o077) === 0) return [];
  const secrets = secretsIn(readToml(file));
  if (secrets.length === 0) return [];
  const shown = `${secrets.slice(0, 4).join(', ')}${secrets.length > 4 ? ', …' : ''}`;
  return [
    trouble(
      `${file} is open to others (mode ${(mode & 0o777).toString(8)}) and holds ${shown}: chmod 600 it`,
    ),
  ];
}
