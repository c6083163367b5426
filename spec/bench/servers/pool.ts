/** The pool role, with a template provider in memory that sends another template on command. Argument: `easy` if every hash is to be a share. */
import type { NewTemplate } from 'rx-sv2';
import {
  createServer,
  ofMessage,
  pool,
  scriptFromAddress,
  send,
  CoinbaseOutputConstraints,
  SetNewPrevHashTemplate,
  targetFromNbits,
  defineTrigger,
  ofTrigger,
  type TemplateDistributionServerHandler,
} from 'rx-sv2';
import { handshakeWorkers, listen } from 'rx-sv2/node';
import { memoryNetwork } from 'rx-sv2/testing';
import { map, merge, mergeMap, of } from 'rxjs';
import { authority } from '../keys.js';
import { template } from '../messages.js';
import { machineTime, serve } from '../processes.js';
import { easyWork } from './easy-work.js';

const { scriptPubKey } = scriptFromAddress('bcrt1qw508d6qejxtdg4y5r3zarvary0c5xw7kygt080');
const isEasy = process.argv[2] === 'easy';
const nbits = 0x1702905c;
const network = memoryNetwork();
const TemplateMade = defineTrigger('TemplateMade', (made: NewTemplate) => ({ made }));

const tip = SetNewPrevHashTemplate({
  templateId: 1n,
  prevHash: new Uint8Array(32).fill(2),
  headerTimestamp: Math.floor(Date.now() / 1000),
  nBits: nbits,
  target: targetFromNbits(nbits),
});

const templates: TemplateDistributionServerHandler = (event$) => {
  let clientId = 0;
  return merge(
    event$.pipe(
      ofMessage(CoinbaseOutputConstraints),
      mergeMap((event) => {
        ({ clientId } = event);
        return of(send(clientId, template(1), tip));
      }),
    ),
    event$.pipe(
      ofTrigger(TemplateMade),
      map(({ made }) => send(clientId, made)),
    ),
  );
};

const provider = createServer({ listen: network.listen(), templateDistribution: templates });
const miners = pool({
  listen: listen({
    port: 0,
    authority,
    responder: handshakeWorkers(),
    listeningObserver: {
      next({ port }) {
        let templateId = 1;
        serve(port, {
          /** When shares were accepted since the last time, by the clock of the machine. */
          arrivals: () => arrivals.splice(0),
          template() {
            const started = machineTime();
            templateId += 1;
            provider.dispatch(TemplateMade({ ...template(templateId), futureTemplate: false }));
            return started;
          },
        });
      },
    },
  }),
  templateProvider: network.connect({ encrypted: false }),
  payoutScript: scriptPubKey,
  // where nobody delivers a share: targets that follow would be messages that are not to be measured
  ...(isEasy ? { ...easyWork, maxChannelsPerClient: 10_000 } : { sharesPerMinute: 0.001 }),
});
const arrivals: number[] = [];
const running = merge(provider.start(), miners.start()).subscribe((outcome) => {
  if (outcome.type === 'handlerError') throw outcome.error;
  if (!isEasy) return;
  if (outcome.type === 'ShareAccepted') arrivals.push(machineTime());
  if (outcome.type === 'ShareRejected')
    throw new Error(`the pool has rejected a share: ${outcome.errorCode}`);
  if (outcome.type === 'TargetChanged') throw new Error('the pool has set another target');
});
process.on('exit', () => running.unsubscribe());
