package io.pelton.benchmarks;

import ai.onnxruntime.OrtException;
import io.grpc.KnownLength;
import io.grpc.MethodDescriptor;
import io.grpc.Server;
import io.grpc.ServerServiceDefinition;
import io.grpc.Status;
import io.grpc.netty.shaded.io.grpc.netty.NettyServerBuilder;
import io.grpc.stub.ServerCallStreamObserver;
import io.grpc.stub.ServerCalls;
import io.grpc.stub.StreamObserver;
import java.io.ByteArrayInputStream;
import java.io.IOException;
import java.io.InputStream;
import java.io.UncheckedIOException;
import java.net.InetSocketAddress;
import java.nio.ByteBuffer;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.concurrent.BlockingQueue;
import java.util.concurrent.LinkedBlockingQueue;
import java.util.concurrent.TimeUnit;
import org.jspecify.annotations.Nullable;

/**
 * A model server in a process of its own: gRPC, and one thread that batches what is there, over the
 * same engine with kept buffers. A request is rows of floats, row-major, as bytes; so is its
 * answer: nothing is converted, and the bytes go to the engine's buffer as they are.
 */
final class ModelServer {
  static final String READY = "server ";
  static final int LARGEST_MESSAGE = 64 << 20;
  private static final String SERVICE = "pelton.benchmarks.Model";
  private static final MethodDescriptor.Marshaller<byte[]> BYTES = new Bytes();
  static final MethodDescriptor<byte[], byte[]> SCORE =
      MethodDescriptor.newBuilder(BYTES, BYTES)
          .setType(MethodDescriptor.MethodType.UNARY)
          .setFullMethodName(MethodDescriptor.generateFullMethodName(SERVICE, "Score"))
          .build();

  private record Request(byte[] rows, StreamObserver<byte[]> answer) {}

  private final ScoredModel model;
  private final int maxRows;
  private final long delayNanos;
  private final BlockingQueue<Request> queue = new LinkedBlockingQueue<>();

  private ModelServer(ScoredModel model, int maxRows, long delayNanos) {
    this.model = model;
    this.maxRows = maxRows;
    this.delayNanos = delayNanos;
  }

  /**
   * @param arguments model, its file, most rows of a batch, how long the first waits for more in
   *     milliseconds
   */
  public static void main(String[] arguments) throws Exception {
    ModelServer server =
        new ModelServer(
            ScoredModel.valueOf(arguments[0]),
            Integer.parseInt(arguments[2]),
            TimeUnit.MILLISECONDS.toNanos(Long.parseLong(arguments[3])));
    Path onnx = Path.of(arguments[1]);
    Thread batches = new Thread(() -> server.score(onnx), "batches");
    batches.setDaemon(true);
    batches.start();
    Server listening =
        NettyServerBuilder.forAddress(new InetSocketAddress("127.0.0.1", 0))
            .directExecutor()
            .maxInboundMessageSize(LARGEST_MESSAGE)
            .addService(
                ServerServiceDefinition.builder(SERVICE)
                    .addMethod(
                        SCORE,
                        ServerCalls.asyncUnaryCall(
                            (rows, answer) -> {
                              // A caller that went away is no failure.
                              ((ServerCallStreamObserver<byte[]>) answer)
                                  .setOnCancelHandler(() -> {});
                              server.queue.add(new Request(rows, answer));
                            }))
                    .build())
            .build()
            .start();
    System.out.println(READY + listening.getPort());
    while (System.in.read() >= 0) {
      // Until the benchmark goes away.
    }
    listening.shutdownNow();
  }

  /** Scores batches for ever, as the engine's one thread. */
  private void score(Path onnx) {
    try (PinnedSession session = new PinnedSession(onnx, model, maxRows)) {
      List<Request> batch = new ArrayList<>();
      @Nullable Request next = null;
      while (true) {
        next = gather(batch, next == null ? queue.take() : next);
        answer(session, batch);
        batch.clear();
      }
    } catch (OrtException | InterruptedException e) {
      e.printStackTrace();
      System.exit(1);
    }
  }

  /** Returns the request that did not fit, or null. */
  private @Nullable Request gather(List<Request> batch, Request first) throws InterruptedException {
    long deadline = System.nanoTime() + delayNanos;
    batch.add(first);
    int rows = rows(first);
    while (rows < maxRows) {
      @Nullable Request more = queue.poll();
      if (more == null && delayNanos > 0) {
        more = queue.poll(deadline - System.nanoTime(), TimeUnit.NANOSECONDS);
      }
      if (more == null) {
        return null;
      }
      if (rows + rows(more) > maxRows) {
        return more;
      }
      batch.add(more);
      rows += rows(more);
    }
    return null;
  }

  private int rows(Request request) {
    return request.rows.length / (model.inputs() * Float.BYTES);
  }

  private void answer(PinnedSession session, List<Request> batch) throws OrtException {
    ByteBuffer input = session.input().clear();
    int rows = 0;
    for (Request request : batch) {
      int count = rows(request);
      if (rows + count > maxRows) {
        request.answer.onError(
            Status.INVALID_ARGUMENT
                .withDescription("%d rows; at most %d".formatted(count, maxRows))
                .asRuntimeException());
        return;
      }
      input.put(request.rows);
      rows += count;
    }
    session.run(rows);
    ByteBuffer output = session.output().clear();
    for (Request request : batch) {
      byte[] scores = new byte[rows(request) * model.columns() * Float.BYTES];
      output.get(scores);
      request.answer.onNext(scores);
      request.answer.onCompleted();
    }
  }

  private static final class Bytes implements MethodDescriptor.Marshaller<byte[]> {
    @Override
    public InputStream stream(byte[] value) {
      return new Known(value);
    }

    @Override
    public byte[] parse(InputStream stream) {
      try {
        return stream.readAllBytes();
      } catch (IOException e) {
        throw new UncheckedIOException(e);
      }
    }
  }

  /** Tells gRPC how long it is. */
  private static final class Known extends ByteArrayInputStream implements KnownLength {
    Known(byte[] bytes) {
      super(bytes);
    }
  }
}
