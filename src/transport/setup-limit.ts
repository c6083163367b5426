/** The payload limit that the setup of a connection implies, from SetupConnection.Success on. */
import { SetupConnection, SetupConnectionSuccess } from '../messages/common.js';
import { subprotocols, type Subprotocol } from '../messages/define-message.js';
import { maxPayloadSize, type Message } from '../messages/registry.js';
import type { Frame } from '../framing/frame-assembler.js';

/** Which way something passed. */
type Direction = 'sent' | 'received';

/** What has to be told about what passes on a connection, until the limit is settled. */
export interface SetupLimit {
  /** Whether there is nothing more to be told. */
  readonly settled: boolean;
  /** A message was sent or received. */
  message(message: Message, direction: Direction): void;
  /** As `message`, before decoding. */
  frame(frame: Frame, direction: Direction): void;
  /** Somebody who knows better has set the limit. */
  settle(): void;
}

/** @param limit sets the largest payload accepted from now on, in bytes */
export function setupLimit(limit: (maxPayload: number) => void): SetupLimit {
  let settled = false;
  /** Which way SetupConnection went, and for what. */
  let asked: { readonly direction: Direction; readonly protocol: Subprotocol } | undefined;

  const passed = (messageType: number, protocolNumber: number | undefined, direction: Direction): void => {
    if (messageType === SetupConnection.schema.messageType) {
      const protocol = subprotocols[protocolNumber ?? -1];
      if (protocol !== undefined) asked = { direction, protocol };
    } else if (messageType === SetupConnectionSuccess.schema.messageType) {
      if (asked === undefined || asked.direction === direction) return;
      settled = true;
      limit(maxPayloadSize(asked.protocol, asked.direction === 'sent' ? 'server' : 'client'));
    }
  };

  return {
    get settled() {
      return settled;
    },
    message(message, direction) {
      if (SetupConnection.match(message))
        passed(SetupConnection.schema.messageType, message.protocol, direction);
      else if (SetupConnectionSuccess.match(message))
        passed(SetupConnectionSuccess.schema.messageType, undefined, direction);
    },
    frame({ header, payload }, direction) {
      if (header.extensionType === 0) passed(header.messageType, payload[0], direction);
    },
    settle() {
      settled = true;
    },
  };
}
