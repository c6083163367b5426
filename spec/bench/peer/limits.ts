/** What limits the figures, from profiles: see ../README.md. */
export const limits = {
  floor: 'reading and writing as many bytes in Node.js, alone',
  shareAlone: 'reading and writing, a system call each for every share, then what has left the caches',
  shareOfMany: 'the cipher, SHA-256d, then accounts and outcomes',
  throughput: 'as above, on one thread',
  growth: 'what belongs to one connection has left the caches when its next share comes',
  p99: 'collections of young objects, then what a turn of the event loop does for others',
  opening: 'libsecp256k1 and ElligatorSwift on other threads; compiling, in a process that was just started',
  openingHere: 'sockets and sessions being made',
  memory: 'sockets, subscriptions, channels',
  tip: 'sealing and writing for each connection',
  returning: 'handshakes, then as opening',
  processes: 'what fronts and core tell each other for each share',
} as const;
