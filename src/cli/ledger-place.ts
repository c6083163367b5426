/** Where a pool's ledger is when nobody says so, and what may be said. */
import { homedir } from 'node:os';
import { join, resolve } from 'node:path';
import * as z from 'zod';
import { isPostgres } from '../node/ledger/open-ledger.js';

/** The setting `ledger`. */
export const ledgerSetting = () =>
  z.string({ error: 'expected a file, postgres://…, or none' }).refine((where) => where !== '', {
    error: 'expected a file, postgres://…, or none',
  });

/** The option of commands that use a ledger. */
export const ledgerOption = [
  '--ledger <WHERE>',
  'a file, or postgres://USER:PASSWORD@HOST/DATABASE',
] as const;

/**
 * Where a ledger is.
 * @param where the setting; `none` for no ledger
 * @param config the configuration's file: without a setting, the ledger is beside it (`pool.toml`, `pool.ledger.sqlite`),
 * and without that in the user's directory for data (`$XDG_DATA_HOME/rx-sv2`, or `~/.local/share/rx-sv2`)
 * @returns a path or a URL; undefined for no ledger
 */
export function ledgerPlace(where: string | undefined, config: string | undefined): string | undefined {
  if (where === 'none') return undefined;
  if (where !== undefined) return isPostgres(where) ? where : resolve(where);
  if (config !== undefined) return `${resolve(config).replace(/\.toml$/, '')}.ledger.sqlite`;
  const data = process.env['XDG_DATA_HOME'] ?? '';
  return join(data === '' ? join(homedir(), '.local', 'share') : data, 'rx-sv2', 'pool.ledger.sqlite');
}

/**
 * Where a pool notes blocks on their way to its ledger: beside the ledger's file, or of a database where its file would be.
 * @param ledger where the ledger is: a path or a URL
 */
export function journalPlace(ledger: string, config: string | undefined, serverId: number): string {
  return `${fileOf(ledger, config)}-blocks-${serverId}`;
}

/**
 * Where a pool's monitoring keeps its history: beside its ledger, as blocks on their way are.
 * @param ledger where the ledger is: a path or a URL; undefined for none
 * @returns undefined without a ledger: then nothing is kept
 */
export const historyPlace = (
  ledger: string | undefined,
  config: string | undefined,
  serverId: number,
): string | undefined => (ledger === undefined ? undefined : `${fileOf(ledger, config)}-history-${serverId}`);

/** The file of a ledger, or of a database where its file would be. */
const fileOf = (ledger: string, config: string | undefined): string =>
  isPostgres(ledger) ? (ledgerPlace(undefined, config) ?? '') : ledger;

/** A place as it may be shown: without a password. */
export function shownPlace(where: string): string {
  return isPostgres(where) ? where.replace(/^(\w+:\/\/)(?:[^@/]*@)?/, '$1').replace(/\?.*$/, '') : where;
}
