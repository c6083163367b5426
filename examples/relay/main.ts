/** A proxy that puts a farm's name before the names of its miners, and passes everything else as it is. */
import { map } from 'rxjs';
import {
  OpenExtendedMiningChannel,
  OpenStandardMiningChannel,
  parseStratumUrl,
  relay,
  type ToServer,
} from 'rx-sv2';
import { connect, listen } from 'rx-sv2/node';

/** Miners open channels as `farm.name` instead of `name`. */
const rewriteIdentity =
  (farm: string): ToServer =>
  (message$) =>
    message$.pipe(
      map((message) =>
        OpenStandardMiningChannel.match(message) || OpenExtendedMiningChannel.match(message)
          ? { ...message, userIdentity: `${farm}.${message.userIdentity}` }
          : message,
      ),
    );

const [url = 'stratum2+tcp://127.0.0.1:34254', port = '34255', farm = 'farm-7'] = process.argv.slice(2);
const hasKey = parseStratumUrl(url).authorityPublicKey !== undefined;

const running = relay({
  listen: listen({
    port: Number(port),
    listeningObserver: { next: (address) => console.log(`listening on ${address.host}:${address.port}`) },
  }),
  connect: connect(url, { encrypted: hasKey }),
  toServer: rewriteIdentity(farm),
}).subscribe({
  next: (outcome) => {
    if (outcome.type === 'connected')
      console.log(`miner ${outcome.clientId} has ${outcome.server.peer.address}`);
    if (outcome.type === 'disconnected')
      console.log(`miner ${outcome.clientId} left: ${outcome.reason.message}`);
  },
  error: (error: Error) => {
    console.error(error.message);
    process.exitCode = 1;
  },
});
process.once('SIGINT', () => running.unsubscribe());
