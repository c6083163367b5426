/** A server of rx-sv2 that accepts every share. Argument: the name of its provider, or nothing for the default. */
import { map } from 'rxjs';
import {
  createServer,
  defaultCrypto,
  nobleCrypto,
  ofMessage,
  send,
  SubmitSharesStandard,
  SubmitSharesSuccess,
  type MiningServerHandler,
} from 'rx-sv2';
import { listen } from 'rx-sv2/node';
import { authority } from '../keys.js';
import { serve } from '../processes.js';

const mining: MiningServerHandler = (event$) =>
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
  );

const [providerName] = process.argv.slice(2);
const crypto = { nobleCrypto, defaultCrypto }[providerName ?? ''];
const server = createServer({
  listen: listen({
    port: 0,
    authority,
    ...(crypto === undefined ? {} : { crypto }),
    listeningObserver: { next: ({ port }) => serve(port, { clients: () => server.clients().size }) },
  }),
  mining,
});
const running = server.start().subscribe();
process.on('exit', () => running.unsubscribe());
