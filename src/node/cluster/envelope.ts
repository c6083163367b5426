/** What is around the values that a cluster's processes send each other over a bus: a line of JSON, then a piece of a value's text. */
import { Sv2Error } from '../../codec/errors.js';
import { outcomeFromJson, outcomeToJson } from '../../observe/json.js';
import { clusterVersion, fieldsOf, invalid, requireVersion } from '../../roles/cluster/plain-fields.js';
import type { PortMessage } from '../../roles/cluster/port.js';

const kinds = ['hello', 'welcome', 'value', 'alive', 'bye'] as const;

/** One message on a bus. */
export interface Envelope {
  /**
   * `hello`: a front wants a session; `welcome`: it has it; `value`: a piece of what goes over a port; `alive`: I am here
   * and have sent so many; `bye`: the session is over.
   */
  readonly kind: (typeof kinds)[number];
  /** The sender's session. */
  readonly from: string;
  /** Pieces that it has sent, this one included, on this subject. */
  readonly sent: number;
  /** Of a core's: pieces that it has sent to all. */
  readonly sentToAll: number;
  /** Whether the value goes on in the next piece. */
  readonly more: boolean;
  /** Of a value: its text, or a piece of that, in UTF-8. */
  readonly piece: Uint8Array;
}

/** Characters of a session's name. */
const maxSession = 64;

/** Bytes of the longest line before a piece, and some more. */
const maxLine = 512;

/** Bytes of a value's text in all: the largest commit to a ledger has some 2 MB. */
export const maxText = 32 * 1024 * 1024;

const [newline] = new TextEncoder().encode('\n') as unknown as [number];

/** An envelope's bytes. */
export function encodeEnvelope({ piece, ...line }: Envelope): Uint8Array {
  const head = new TextEncoder().encode(`${JSON.stringify({ version: clusterVersion, ...line })}\n`);
  const bytes = new Uint8Array(head.length + piece.length);
  bytes.set(head);
  bytes.set(piece, head.length);
  return bytes;
}

/**
 * Reads an envelope.
 * @param bytes whatever came from a bus; the piece is a view of it
 * @throws Sv2Error `invalid-cluster-message`, `cluster-version`
 */
export function decodeEnvelope(bytes: Uint8Array): Envelope {
  const end = bytes.subarray(0, maxLine).indexOf(newline);
  if (end === -1) throw invalid('message', `a line of ${maxLine} bytes at most`, bytes);
  const fields = fieldsOf(jsonOf(bytes.subarray(0, end)), 'message');
  requireVersion(fields, 'message');
  const name = fields.text('kind', maxSession);
  const kind = kinds.find((known) => known === name);
  if (kind === undefined) throw invalid('message: kind', `one of ${kinds.join(', ')}`, name);
  return {
    kind,
    from: fields.text('from', maxSession),
    sent: fields.whole('sent'),
    sentToAll: fields.whole('sentToAll'),
    more: fields.flag('more'),
    piece: bytes.subarray(end + 1),
  };
}

function jsonOf(bytes: Uint8Array): unknown {
  try {
    return JSON.parse(new TextDecoder('utf-8', { fatal: true }).decode(bytes));
  } catch {
    throw invalid('message', 'JSON', bytes);
  }
}

/**
 * A value's text in pieces that fit a bus, one or more.
 * @param maxBytes that a message may have
 * @throws Sv2Error `cluster-message-too-large` for a value of more than 32 MiB
 */
export function piecesOf(value: PortMessage, maxBytes: number): Uint8Array[] {
  const text = new TextEncoder().encode(JSON.stringify(outcomeToJson(value)));
  if (text.length > maxText) throw tooLarge(text.length);
  const most = Math.max(1, maxBytes - maxLine);
  const pieces: Uint8Array[] = [];
  for (let start = 0; start < text.length; start += most) pieces.push(text.subarray(start, start + most));
  return pieces;
}

/**
 * The value of all of its pieces.
 * @throws Sv2Error `invalid-cluster-message`, `invalid-outcome-json`
 */
export function valueOf(pieces: readonly Uint8Array[]): unknown {
  const text = new Uint8Array(pieces.reduce((sum, { length }) => sum + length, 0));
  let at = 0;
  for (const piece of pieces) {
    text.set(piece, at);
    at += piece.length;
  }
  return outcomeFromJson<{ readonly type: string }>(jsonOf(text));
}

/** The error of a value that is too large to be sent, or taken. */
export const tooLarge = (bytes: number): Sv2Error =>
  new Sv2Error('cluster-message-too-large', `a message of ${bytes} bytes; at most ${maxText} can be sent`, {
    bytes,
    most: maxText,
  });
