/** The part of a state that counts what went wrong, by what it was. */
import type { Note, Part } from './fold.js';
import { countOne, recordOf, type Counts } from './tally.js';

/** What went wrong since the start: how often, by stable codes, at most 32 of a kind. */
export interface ProblemsState {
  /** Handlers that failed, by the code or the name of the error: mistakes of the program. */
  readonly handlerErrors: Readonly<Record<string, number>>;
  /** Messages that peers may not have sent. */
  readonly rejectedMessages: Readonly<Record<string, number>>;
  /** SetupConnections that were refused. */
  readonly setupsRefused: Readonly<Record<string, number>>;
  /** Channels that were refused. */
  readonly channelsRefused: Readonly<Record<string, number>>;
  /** Connections that ended, by the reason. */
  readonly disconnects: Readonly<Record<string, number>>;
  /** Messages for peers that were gone, or of extensions that were not negotiated. */
  readonly undeliverable: number;
}

/** Counts what went wrong. */
export function problems(): Part<ProblemsState> {
  const counts = {
    handlerErrors: new Map() as Counts,
    rejectedMessages: new Map() as Counts,
    setupsRefused: new Map() as Counts,
    channelsRefused: new Map() as Counts,
    disconnects: new Map() as Counts,
  };
  let undeliverable = 0;
  let shown: ProblemsState | undefined;

  const counted =
    <O>(of: keyof typeof counts, word: (outcome: O) => string): Note<O> =>
    (outcome) => {
      countOne(counts[of], word(outcome));
      shown = undefined;
    };

  return {
    on: {
      handlerError: counted('handlerErrors', ({ error }: { readonly error: unknown }) => wordOf(error)),
      rejected: counted('rejectedMessages', ({ code }: { readonly code: string }) => code),
      setupRefused: counted('setupsRefused', ({ errorCode }: { readonly errorCode: string }) => errorCode),
      ChannelRefused: counted(
        'channelsRefused',
        ({ errorCode }: { readonly errorCode: string }) => errorCode,
      ),
      disconnected: counted(
        'disconnects',
        ({ reason }: { readonly reason: { readonly code: string } }) => reason.code,
      ),
      undeliverable: ({ messages }: { readonly messages: readonly unknown[] }) => {
        undeliverable += messages.length;
        shown = undefined;
      },
    },
    state: () =>
      (shown ??= {
        handlerErrors: recordOf(counts.handlerErrors),
        rejectedMessages: recordOf(counts.rejectedMessages),
        setupsRefused: recordOf(counts.setupsRefused),
        channelsRefused: recordOf(counts.channelsRefused),
        disconnects: recordOf(counts.disconnects),
        undeliverable,
      }),
  };
}

function wordOf(error: unknown): string {
  if (!(error instanceof Error)) return 'no error';
  const { code } = error as { readonly code?: unknown };
  return typeof code === 'string' ? code : error.name;
}
