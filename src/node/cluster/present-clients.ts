/** Who is at a front now, as outcomes: what a core has to hear that did not see them come. */

interface Outcome {
  readonly type: string;
}

/** See {@link presentClients}. */
export interface PresentClients {
  /** Takes note of what happens at the front. */
  note(outcome: Outcome): void;
  /** That they came, and what channels they have opened. */
  outcomes(): Outcome[];
}

interface Present {
  readonly connected: Outcome;
  readonly channels: Map<number, Outcome>;
}

type Noted = Outcome & {
  readonly clientId: number;
  readonly channelId: number;
  readonly target?: unknown;
};

/** Keeps that of each client that is here, and of each channel that is open: the outcomes themselves, no copies. */
export const presentClients = (): PresentClients => {
  const clients = new Map<number, Present>();
  return {
    note(outcome) {
      const { type, clientId, channelId } = outcome as Noted;
      switch (type) {
        case 'connected':
          clients.set(clientId, { connected: outcome, channels: new Map() });
          return;
        case 'disconnected':
          clients.delete(clientId);
          return;
        case 'ChannelOpened':
          clients.get(clientId)?.channels.set(channelId, outcome);
          return;
        case 'ChannelClosed':
          clients.get(clientId)?.channels.delete(channelId);
          return;
        case 'TargetChanged': {
          const channels = clients.get(clientId)?.channels;
          const opened = channels?.get(channelId);
          if (opened !== undefined)
            channels?.set(channelId, { ...opened, target: (outcome as Noted).target } as Outcome);
          return;
        }
        default:
          return;
      }
    },
    outcomes: () =>
      [...clients.values()].flatMap(({ connected, channels }) => [connected, ...channels.values()]),
  };
};
