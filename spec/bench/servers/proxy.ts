/** The proxy role, encrypted on both sides, at a pool of this machine. Arguments: the pool's port, the mode. Every hash is a share. */
import { proxy } from 'rx-sv2';
import { connect, handshakeWorkers, listen } from 'rx-sv2/node';
import { authority } from '../keys.js';
import { serve } from '../processes.js';
import { easyWork } from './easy-work.js';

const [poolPort, mode] = process.argv.slice(2);
const running = proxy({
  listen: listen({
    port: 0,
    authority,
    responder: handshakeWorkers(),
    listeningObserver: { next: ({ port }) => serve(port) },
  }),
  upstreams: [{ connect: connect({ host: '127.0.0.1', port: Number(poolPort) }), userIdentity: 'bench' }],
  mode: mode === 'pass-through' ? 'pass-through' : 'aggregate',
  ...easyWork,
  minHashrate: 0.001,
})
  .start()
  .subscribe((outcome) => {
    if (outcome.type === 'handlerError') throw outcome.error;
    if (outcome.type === 'UpstreamFault') throw new Error(outcome.message);
    if (outcome.type === 'ShareRejected' || outcome.type === 'UpstreamRejected')
      throw new Error(`a share was rejected (${outcome.type}): ${outcome.errorCode}`);
    if (outcome.type === 'ShareNotForwarded') throw new Error(`a share was not forwarded: ${outcome.reason}`);
    if (outcome.type === 'TargetChanged') throw new Error('the proxy has set another target');
  });
process.on('exit', () => running.unsubscribe());
