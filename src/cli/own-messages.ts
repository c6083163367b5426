/** `--messages FILE`: messages of a user's own, from a module that exports what `defineMessage` returns. */
import { resolve } from 'node:path';
import { pathToFileURL } from 'node:url';
import { Option, type Command } from 'commander';
import {
  noOwnMessages,
  ownMessages,
  type AnyMessageCreator,
  type OwnMessages,
} from '../messages/own-messages.js';

/** The option of commands that read or print messages. */
export const messagesOption = (): Option =>
  new Option(
    '--messages <file>',
    'JavaScript module that exports messages of extensions, made by defineMessage',
  );

/**
 * Loads the messages that a module exports; everything else in it is left alone.
 * @param file undefined for no messages
 * @param command ends with a mistake of usage if it cannot be loaded, or exports no message that can be used
 */
export async function loadMessages(file: string | undefined, command: Command): Promise<OwnMessages> {
  if (file === undefined) return noOwnMessages;
  try {
    const exported = (await import(pathToFileURL(resolve(file)).href)) as Readonly<Record<string, unknown>>;
    const creators = Object.values(exported).filter(isCreator);
    if (creators.length === 0) throw new Error('it exports nothing that defineMessage has made');
    return ownMessages(creators);
  } catch (error) {
    return command.error(`error: --messages ${file}: ${(error as Error).message}`, { exitCode: 2 });
  }
}

const isCreator = (value: unknown): value is AnyMessageCreator =>
  typeof value === 'function' && 'schema' in value && 'decode' in value && 'encode' in value;
