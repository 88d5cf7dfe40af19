// An echo server on Netty as its manual writes it: one thread accepts, one serves. The transport is NIO;
// Debian's package is without the library that the one on epoll needs.
import io.netty.bootstrap.ServerBootstrap;
import io.netty.channel.Channel;
import io.netty.channel.ChannelHandler.Sharable;
import io.netty.channel.ChannelHandlerContext;
import io.netty.channel.ChannelInboundHandlerAdapter;
import io.netty.channel.ChannelInitializer;
import io.netty.channel.ChannelOption;
import io.netty.channel.nio.NioEventLoopGroup;
import io.netty.channel.socket.SocketChannel;
import io.netty.channel.socket.nio.NioServerSocketChannel;
import java.net.InetSocketAddress;

public final class NettyEcho {
  @Sharable
  private static final class Echo extends ChannelInboundHandlerAdapter {
    @Override
    public void channelRead(ChannelHandlerContext peer, Object bytes) {
      peer.write(bytes);  // Releases the buffer once it has gone.
    }

    @Override
    public void channelReadComplete(ChannelHandlerContext peer) {
      peer.flush();
    }

    // Who does not read what it is sent is not read either.
    @Override
    public void channelWritabilityChanged(ChannelHandlerContext peer) {
      peer.channel().config().setAutoRead(peer.channel().isWritable());
      peer.fireChannelWritabilityChanged();
    }

    @Override
    public void exceptionCaught(ChannelHandlerContext peer, Throwable why) {
      peer.close();
    }
  }

  public static void main(String[] words) throws InterruptedException {
    if (words.length != 1) {
      System.err.println("usage: NettyEcho PORT");
      System.exit(64);
    }
    final Echo echo = new Echo();
    final Channel server = new ServerBootstrap()
        .group(new NioEventLoopGroup(1), new NioEventLoopGroup(1))
        .channel(NioServerSocketChannel.class)
        .option(ChannelOption.SO_BACKLOG, 4096)
        .childOption(ChannelOption.TCP_NODELAY, true)
        .childHandler(new ChannelInitializer<SocketChannel>() {
          @Override
          protected void initChannel(SocketChannel peer) {
            peer.pipeline().addLast(echo);
          }
        })
        .bind("127.0.0.1", Integer.parseInt(words[0])).sync().channel();
    System.out.println("ready " + ((InetSocketAddress) server.localAddress()).getPort());
    server.closeFuture().sync();
  }
}
