import type { Command } from 'commander';
import { Sv2Error } from '../codec/errors.js';
import { bytesToHex } from '../codec/hex.js';
import { encodeFrame } from '../framing/frame.js';
import { fromJson } from '../framing/json.js';
import type { Message } from '../messages/registry.js';
import type { CommandContext, CommandIo } from './io.js';
import { convertLines, readLines } from './lines.js';

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
    .action(async () => context.setExitCode(await encode(context)));
}

/**
 * Reads one message a line from stdin, in JSON, and prints its frame in hex.
 * @returns the exit status: 1 if any message could not be encoded
 */
function encode(io: CommandIo): Promise<0 | 1> {
  return convertLines(io, readLines(io.stdin), (line) => bytesToHex(encodeFrame(messageFromLine(line))));
}

/**
 * The message of a line of JSON.
 * @throws Sv2Error `invalid-json`, JsonFormError, CodecError
 */
export function messageFromLine(line: string): Message {
  let value: unknown;
  try {
    value = JSON.parse(line);
  } catch (error) {
    throw new Sv2Error('invalid-json', `expected a JSON object: ${(error as Error).message}`, {}, error);
  }
  return fromJson(value);
}
