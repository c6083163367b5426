/** A relay of rx-sv2, encrypted on both sides. Arguments: the port of the server, and `operators` for operators both ways. */
import { map } from 'rxjs';
import { relay, type ToClient, type ToServer } from 'rx-sv2';
import { connect, listen } from 'rx-sv2/node';
import { authority } from '../keys.js';
import { serve } from '../processes.js';

const [port, operators] = process.argv.slice(2);
const toServer: ToServer = (message$) => message$.pipe(map((message) => message));
const toClient: ToClient = (message$) => message$.pipe(map((message) => message));

const running = relay({
  listen: listen({ port: 0, authority, listeningObserver: { next: ({ port }) => serve(port) } }),
  connect: connect({ host: '127.0.0.1', port: Number(port) }),
  ...(operators === 'operators' ? { toServer, toClient } : {}),
}).subscribe();
process.on('exit', () => running.unsubscribe());
