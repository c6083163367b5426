import type { Command } from 'commander';
import { Sv2Error } from '../codec/errors.js';
import { bytesToHex } from '../codec/hex.js';
import { encodeFrame } from '../framing/frame.js';
import { fromJson } from '../framing/json.js';
import { noOwnMessages, type OwnMessages } from '../messages/own-messages.js';
import type { Message } from '../messages/registry.js';
import type { CommandContext, CommandIo } from './io.js';
import { convertLines, readLines } from './lines.js';
import { loadMessages, messagesOption } from './own-messages.js';

/** Gives `sv2 encode` its options and what it does. */
export function registerEncode(command: Command, context: CommandContext): void {
  command
    .addHelpText(
      'after',
      `
A message is what \`sv2 decode\` prints. Of name, messageType, extensionType and channelMsg it needs the name, or the
messageType (and the extensionType, if not 0). One that cannot be encoded gives {"error":{"code":…,"message":…}} on
its line, and exit status 1 at the end.

Example:
  $ echo '{"name":"CloseChannel","payload":{"channelId":1,"reasonCode":""}}' | sv2 encode`,
    )
    .addOption(messagesOption())
    .action(async ({ messages }: { readonly messages?: string }) =>
      context.setExitCode(await encode(context, await loadMessages(messages, command))),
    );
}

/**
 * Reads one message a line from stdin, in JSON, and prints its frame in hex.
 * @returns the exit status: 1 if any message could not be encoded
 */
function encode(io: CommandIo, own: OwnMessages): Promise<0 | 1> {
  return convertLines(io, readLines(io.stdin), (line) =>
    bytesToHex(encodeFrame(own.write(messageFromLine(line, own)))),
  );
}

/**
 * The message of a line of JSON.
 * @throws Sv2Error `invalid-json`, JsonFormError, CodecError
 */
export function messageFromLine(line: string, own: OwnMessages = noOwnMessages): Message {
  let value: unknown;
  try {
    value = JSON.parse(line);
  } catch (error) {
    throw new Sv2Error('invalid-json', `expected a JSON object: ${(error as Error).message}`, {}, error);
  }
  return fromJson(value, own);
}
