import type { MessageJson } from '../../../src/framing/index.js';
import { inbox, type Inbox } from './inbox.js';
import { sriPeer } from './paths.js';
import { startProgram, type Program } from './process.js';

/** What `sri-peer server` and `sri-peer client` say; see the README. */
export interface PeerEvent extends Partial<Omit<MessageJson, 'payload'>> {
  readonly event: string;
  readonly conn?: number;
  readonly port?: number;
  readonly authorityPublic?: string;
  readonly encrypted?: boolean;
  readonly error?: string | null;
  readonly length?: number;
  readonly sha256?: string;
  readonly same?: boolean;
  readonly frame?: unknown;
  readonly payload?: MessageJson['payload'] | null;
}

/** The reference implementation's codec on a socket. */
export interface Peer {
  readonly program: Program;
  readonly events: Inbox<PeerEvent>;
  /** The next event of this kind. */
  event(kind: string): Promise<PeerEvent>;
  /** The next frame with this message. */
  frame(name: string): Promise<PeerEvent>;
  command(command: Readonly<Record<string, unknown>>): void;
}

export const startPeer = (...args: readonly string[]): Peer => {
  const program = startProgram(sriPeer, args);
  const events = inbox<PeerEvent>(`sri-peer ${args.join(' ')}`);
  program.lines.push = (line) => events.push(JSON.parse(line) as PeerEvent);
  void program.ended.then((status) =>
    events.fail(
      new Error(`sri-peer ${args.join(' ')} has ended with ${status}: ${program.errors.rest.join(' ')}`),
    ),
  );
  return {
    program,
    events,
    event: (kind) => events.take(`a ${kind} event`, ({ event }) => event === kind),
    frame: (name) =>
      events.take(`a frame with ${name}`, (event) => event.event === 'frame' && event.name === name),
    command: (command) => program.write(JSON.stringify(command)),
  };
};
