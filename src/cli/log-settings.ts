/** How a role keeps its log: settings that all roles have. */
import * as z from 'zod';
import { text } from './config.js';

/** The settings, for a role's zod schema; `log_file` as the reference implementation has it. */
export const logSettings = () => ({
  log_format: z.enum(['text', 'json'], { error: 'expected text or json' }).default('text'),
  log_level: z.enum(['warn', 'info', 'debug'], { error: 'expected warn, info or debug' }).default('info'),
  log_file: text(1, 4_096).optional(),
});

/** What {@link logSettings} come out as. */
export interface LogSettings {
  readonly log_format: 'text' | 'json';
  readonly log_level: 'warn' | 'info' | 'debug';
  /** A file that all lines are added to, too; opened anew upon SIGHUP. */
  readonly log_file?: string | undefined;
}

/** The options of a command whose role has a log, as Commander takes them. */
export const logOptions = [
  ['--log-format <FORMAT>', 'text, or json: an object a line, with the whole outcome (default: text)'],
  [
    '--log-level <LEVEL>',
    'warn for trouble alone, info, or debug, which tells of single shares and their like, too (default: info)',
  ],
  ['-f, --log-file <FILE>', 'adds the log to a file, too, which is opened anew upon SIGHUP'],
] as const;

/** For the help of a command. */
export const logHelp = `
  log_format = "text"                           # or "json"
  log_level = "info"                            # or "warn", or "debug"
  log_file = "…"                                # besides stdout and stderr; opened anew upon SIGHUP`;
