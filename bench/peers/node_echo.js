// An echo server on Node's net module as its manual writes it; pipe() keeps what cannot be written yet.
'use strict';

const net = require('net');

const port = Number(process.argv[2]);
if (process.argv.length !== 3 || !(port >= 0 && port <= 65535)) {
  console.error('usage: node_echo.js PORT');
  process.exit(64);
}

const server = net.createServer({noDelay: true}, (peer) => {
  peer.on('error', () => peer.destroy());
  peer.pipe(peer);
});
server.on('error', (error) => {
  console.error(error.message);
  process.exit(71);
});
process.on('SIGTERM', () => process.exit(0));
server.listen({port, host: '127.0.0.1', backlog: 4096}, () => {
  console.log(`ready ${server.address().port}`);
});
