/** The translator role, at a pool of this machine. Argument: the pool's port. Every hash is a share here. */
import { translator } from 'rx-sv2';
import { connect, listenSv1 } from 'rx-sv2/node';
import { serve } from '../processes.js';

const [poolPort] = process.argv.slice(2).map(Number);
const service = translator({
  listen: listenSv1({ port: 0, listeningObserver: { next: ({ port }) => serve(port) } }),
  upstreams: [{ connect: connect({ host: '127.0.0.1', port: poolPort ?? 0 }), userIdentity: 'bench' }],
  // so that miners here need not hash, and vardiff has nothing to do
  ...{ nominalHashRate: 0.001, minHashrate: 0.001, sharesPerMinute: 60_000 },
  keepAliveInterval: 0,
});
const running = service.start().subscribe((outcome) => {
  if (outcome.type === 'handlerError') throw outcome.error;
});
process.on('exit', () => running.unsubscribe());
