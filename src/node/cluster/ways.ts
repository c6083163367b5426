/** One direction of a session over a bus: values go out in numbered pieces, and come in whole, in order, or the loss is seen. */
import { Sv2Error } from '../../codec/errors.js';
import type { PortMessage } from '../../roles/cluster/port.js';
import type { Bus } from './bus.js';
import { encodeEnvelope, maxText, piecesOf, tooLarge, valueOf, type Envelope } from './envelope.js';

/** Sends on one subject. */
export interface WayOut {
  /** @throws Sv2Error `cluster-message-too-large` */
  send(value: PortMessage): void;
  /** Says something about the session itself. */
  say(kind: Exclude<Envelope['kind'], 'value'>, sentToAll?: number): void;
  /** Pieces that were sent. */
  readonly sent: number;
}

/** A way out of a session. @param from its name */
export const wayOut = (bus: Bus, subject: string, from: string): WayOut => {
  let sent = 0;
  const publish = (envelope: Pick<Envelope, 'kind' | 'sentToAll' | 'more' | 'piece'>): void =>
    bus.publish(subject, encodeEnvelope({ ...envelope, from, sent }));
  return {
    send(value) {
      const pieces = piecesOf(value, bus.maxBytes);
      pieces.forEach((piece, index) => {
        sent += 1;
        publish({ kind: 'value', sentToAll: 0, more: index < pieces.length - 1, piece });
      });
    },
    say: (kind, sentToAll = 0) => publish({ kind, sentToAll, more: false, piece: new Uint8Array(0) }),
    get sent() {
      return sent;
    },
  };
};

/** Takes what comes on one subject. */
export interface WayIn {
  /**
   * Takes a piece.
   * @returns the value that it completes, if it does
   * @throws Sv2Error `cluster-message-lost` if another had to come first, `cluster-message-too-large`,
   * `invalid-cluster-message`, `invalid-outcome-json`
   */
  take(envelope: Pick<Envelope, 'sent' | 'more' | 'piece'>): { readonly value: unknown } | undefined;
  /** The other side has sent so many. @throws Sv2Error `cluster-message-lost` if they are not here */
  require(sent: number): void;
}

/** A way into a session. @param before pieces that were sent before it began */
export const wayIn = (before = 0): WayIn => {
  let taken = before;
  let pieces: Uint8Array[] = [];
  let size = 0;

  const require = (sent: number): void => {
    if (sent === taken) return;
    throw new Sv2Error('cluster-message-lost', `messages were lost: ${sent} were sent, ${taken} are here`, {
      sent,
      taken,
    });
  };

  return {
    require,
    take({ sent, more, piece }) {
      require(sent - 1);
      taken = sent;
      pieces.push(piece);
      size += piece.length;
      if (size > maxText) throw tooLarge(size);
      if (more) return undefined;
      const whole = pieces;
      pieces = [];
      size = 0;
      return { value: valueOf(whole) };
    },
  };
};
