/** A pool's outcomes made by hand, and what is served of them on a real port. */
import { firstValueFrom, ReplaySubject, Subject, type Observable, type Subscription } from 'rxjs';
import { monitored, type MonitoringOptions } from '../../../src/node/monitoring/monitored.js';
import { difficultyFromTarget, targetFromDifficulty } from '../../../src/bitcoin/target.js';
import { OpenExtendedMiningChannelSuccess, SubmitSharesSuccess } from '../../../src/messages/mining.js';

/** An outcome, whichever it is. */
type Outcome = { readonly type: string };

/** What is served, and a way to ask it. */
export interface Served {
  readonly outcome$: Subject<Outcome>;
  readonly url: string;
  get(path: string, init?: RequestInit): Promise<Response>;
  json(path: string, init?: RequestInit): Promise<{ status: number; body: unknown }>;
  stop(): void;
}

const running: Subscription[] = [];

/** Ends all that was served; for afterEach. */
export const stopServing = (): void => {
  for (const subscription of running.splice(0)) subscription.unsubscribe();
};

/** Serves what outcomes come to; answers are not kept unless asked for. */
export async function serving(
  options: Partial<MonitoringOptions> = {},
  operator: typeof monitored = monitored,
): Promise<Served> {
  const outcome$ = new Subject<Outcome>();
  const address$ = new ReplaySubject<{ host: string; port: number }>(1);
  const role$: Observable<Outcome> = outcome$;
  const subscription = role$
    .pipe(
      operator<Outcome>({
        role: 'pool',
        port: 0,
        refreshInterval: 0,
        version: '1.2.3',
        listeningObserver: address$,
        ...options,
      }),
    )
    .subscribe({ error: (error: unknown) => address$.error(error) });
  running.push(subscription);
  const { port } = await firstValueFrom(address$);
  const url = `http://127.0.0.1:${port}`;
  const get = (path: string, init?: RequestInit) => fetch(`${url}${path}`, init);
  return {
    ...{ outcome$, url, get },
    json: async (path, init) => {
      const response = await get(path, init);
      return { status: response.status, body: await response.json() };
    },
    stop: () => subscription.unsubscribe(),
  };
}

const difficulty = 1_000;

/** A client that mines. */
export const connected = (clientId: number, device: Readonly<Record<string, string>> = {}): Outcome => {
  const setupConnection = {
    vendor: 'Bitaxe',
    hardwareVersion: 'BM1370',
    firmware: '2.9',
    deviceId: 'x',
    ...device,
  };
  const peer = { address: `192.0.2.${clientId % 250}:4000`, encrypted: true };
  const client = { clientId, peer, protocol: 'mining', version: 2, flags: 0, successFlags: 0 };
  return {
    ...{ type: 'connected', clientId },
    client: { ...client, setupConnection, extensions: [], connectedAt: Date.now() },
  } as Outcome;
};

/** Outcomes of a client that opens a channel, with the message that tells it. */
export const opened = (
  clientId: number,
  channelId: number,
  userIdentity: string,
  kind: 'standard' | 'extended' = 'extended',
): readonly Outcome[] => {
  const target = targetFromDifficulty(difficulty);
  const message = OpenExtendedMiningChannelSuccess({
    ...{ requestId: 1, channelId, target, groupChannelId: 1 },
    extranoncePrefix: Uint8Array.of(0xaa, 0xbb, clientId & 0xff),
    extranonceSize: 8,
  });
  const channel = { clientId, channelId, kind, userIdentity, nominalHashRate: 1e12 };
  return [
    { type: 'sent', clientId, message } as Outcome,
    { type: 'ChannelOpened', ...channel, target, maxTarget: new Uint8Array(32).fill(0xff) } as Outcome,
  ];
};

/** An accepted share. */
export const accepted = (clientId: number, channelId: number, userIdentity: string, worker = ''): Outcome => {
  const target = targetFromDifficulty(difficulty);
  return {
    ...{ type: 'ShareAccepted', clientId, channelId, userIdentity, worker, jobId: 1, sequenceNumber: 7 },
    ...{ hash: target, difficulty: difficultyFromTarget(target), target },
  };
};

/** A rejected share. */
export const rejected = (
  clientId: number,
  channelId: number,
  userIdentity: string,
  errorCode: string,
): Outcome => ({
  ...{ type: 'ShareRejected', clientId, channelId, userIdentity, worker: '', jobId: 1, sequenceNumber: 8 },
  ...{ errorCode, reason: 'the job is of an older block' },
});

/** The acknowledgement of a batch. */
export const acknowledged = (clientId: number, channelId: number): Outcome =>
  ({
    type: 'sent',
    clientId,
    message: SubmitSharesSuccess({
      ...{ channelId, lastSequenceNumber: 7, newSubmitsAcceptedCount: 3, newSharesSum: 3_000n },
    }),
  }) as Outcome;

/** A template provider that is there, with a template. */
export const supplied = (): readonly Outcome[] => [
  {
    ...{ type: 'connected', protocol: 'templateDistribution' },
    server: {
      ...{
        peer: { address: '127.0.0.1:8442', encrypted: true },
        endpoint: { host: '127.0.0.1', port: 8442 },
      },
      ...{ upstream: 0, protocol: 'templateDistribution', version: 2, flags: 0, extensions: [] },
    },
  } as Outcome,
  {
    type: 'TemplateReceived',
    templateId: 1n,
    futureTemplate: true,
    height: 100,
    value: 5_000_000_000n,
  } as Outcome,
];

/** Puts outcomes through. */
export const all = ({ outcome$ }: Served, ...outcomes: readonly Outcome[]): void => {
  for (const outcome of outcomes) outcome$.next(outcome);
};
