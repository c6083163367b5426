/**
 * The server that is soaked: accepts every share, with limits that are reached quickly. It answers an UpdateChannel with
 * more than a client that does not read may let wait.
 */
import { merge, map } from 'rxjs';
import {
  createServer,
  NewExtendedMiningJob,
  ofMessage,
  send,
  SubmitSharesStandard,
  SubmitSharesSuccess,
  UpdateChannel,
  type MiningServerHandler,
} from 'rx-sv2';
import { listen } from 'rx-sv2/node';
import { authority } from '../bench/keys.js';
import { serve, usage } from '../bench/processes.js';
import type { Sample } from './sample.js';

/** 60 KiB each, 96 of them: more than the system takes for a peer that does not read. */
const flood = Array.from({ length: 96 }, (_, jobId) =>
  NewExtendedMiningJob({
    channelId: 1,
    jobId,
    minNtime: null,
    version: 0,
    versionRollingAllowed: false,
    merklePath: [],
    coinbaseTxPrefix: new Uint8Array(60 * 1024),
    coinbaseTxSuffix: new Uint8Array(0),
  }),
);

const mining: MiningServerHandler = (event$) =>
  merge(
    event$.pipe(
      ofMessage(SubmitSharesStandard),
      map(({ clientId, message: { channelId, sequenceNumber } }) =>
        send(
          clientId,
          SubmitSharesSuccess({
            channelId,
            lastSequenceNumber: sequenceNumber,
            newSubmitsAcceptedCount: 1,
            newSharesSum: 1n,
          }),
        ),
      ),
    ),
    event$.pipe(
      ofMessage(UpdateChannel),
      map(({ clientId }) => send(clientId, ...flood)),
    ),
  );

/** How often connections ended for which reason, by its code. */
const reasons: Record<string, number> = {};
const count = (reason: string): void => {
  reasons[reason] = (reasons[reason] ?? 0) + 1;
};

const server = createServer({
  listen: listen({
    port: 0,
    authority,
    handshakeTimeout: 1500,
    closeTimeout: 500,
    maxQueuedBytes: 1024 * 1024,
    listeningObserver: {
      next: ({ port }) =>
        serve(port, {
          sample(): Sample {
            const { heap, resident } = usage();
            const resources: Record<string, number> = {};
            for (const name of process.getActiveResourcesInfo()) resources[name] = (resources[name] ?? 0) + 1;
            return { heap, resident, resources, clients: server.clients().size, reasons };
          },
        }),
    },
    handshakeErrorObserver: {
      next({ error }) {
        count(String((error as { readonly code?: unknown }).code));
      },
    },
  }),
  mining,
  setupTimeout: 1500,
});
const running = server.start().subscribe((outcome) => {
  if (outcome.type === 'disconnected') count(outcome.reason.code);
  else if (outcome.type === 'rejected') count(outcome.code);
  else if (outcome.type === 'handlerError') throw outcome.error;
});
process.on('exit', () => running.unsubscribe());
