import type { Command } from 'commander';
import { Sv2Error } from '../codec/errors.js';
import { hexToBytes } from '../codec/hex.js';
import { decodeFrame } from '../framing/frame.js';
import { toJson } from '../framing/json.js';
import { noOwnMessages, type OwnMessages } from '../messages/own-messages.js';
import type { CommandContext, CommandIo } from './io.js';
import { convertLines, readLines } from './lines.js';
import { loadMessages, messagesOption } from './own-messages.js';
import { printable } from './printable.js';

/** Gives `sv2 decode [HEX…]` its options and what it does. */
export function registerDecode(command: Command, context: CommandContext): void {
  command
    .argument('[HEX...]', 'frames in hex; without any, one frame a line is read from stdin')
    .addHelpText(
      'after',
      `
A frame that cannot be decoded gives {"error":{"code":…,"message":…}} on its line, and exit status 1 at the end.

Example:
  $ sv2 decode 0080180500000100000000`,
    )
    .addOption(messagesOption())
    .action(async (frames: readonly string[], { messages }: { readonly messages?: string }) =>
      context.setExitCode(await decode(frames, context, await loadMessages(messages, command))),
    );
}

/**
 * Prints the JSON form of frames, one a line.
 * @param frames in hex; if empty, one frame a line is read from stdin. Spaces between digits, a leading `0x` and
 * blank lines do not matter.
 * @param own messages that are known besides those of the specification
 * @returns the exit status: 1 if any frame could not be decoded
 */
export function decode(
  frames: readonly string[],
  io: CommandIo,
  own: OwnMessages = noOwnMessages,
): Promise<0 | 1> {
  return convertLines(io, frames.length > 0 ? [frames] : readLines(io.stdin), (line) =>
    printable(JSON.stringify(toJson(decodeFrame(frameBytes(line)), own))),
  );
}

function frameBytes(line: string): Uint8Array {
  const digits = line.replace(/^0x/i, '').replace(/\s+/g, '');
  const wrong = /[^0-9a-f]/i.exec(digits);
  if (wrong !== null) {
    throw new Sv2Error(
      'invalid-hex',
      `expected hex digits, found ${JSON.stringify(wrong[0])} after ${wrong.index}`,
    );
  }
  if (digits.length % 2 !== 0) {
    throw new Sv2Error('invalid-hex', `expected an even number of hex digits, got ${digits.length}`);
  }
  return hexToBytes(digits);
}
