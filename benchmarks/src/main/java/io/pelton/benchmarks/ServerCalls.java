package io.pelton.benchmarks;

import io.grpc.CallOptions;
import io.grpc.ManagedChannel;
import io.grpc.netty.shaded.io.grpc.netty.NettyChannelBuilder;
import io.grpc.stub.ClientCalls;
import io.grpc.stub.StreamObserver;
import io.pelton.feature.FeatureRow;
import io.pelton.model.ScoredRow;
import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.util.ArrayList;
import java.util.List;
import org.apache.flink.api.common.functions.OpenContext;
import org.apache.flink.streaming.api.functions.async.ResultFuture;
import org.apache.flink.streaming.api.functions.async.RichAsyncFunction;
import org.jspecify.annotations.Nullable;

/** Has a {@link ModelServer} score rows; nothing waits for its answers. */
final class ServerCalls extends RichAsyncFunction<FeatureRow[], ScoredRow> {
  private static final long serialVersionUID = 1;

  private final int port;
  private final ScoredModel model;
  private transient @Nullable ManagedChannel channel;

  ServerCalls(int port, ScoredModel model) {
    this.port = port;
    this.model = model;
  }

  @Override
  public void open(OpenContext context) {
    channel =
        NettyChannelBuilder.forAddress("127.0.0.1", port)
            .usePlaintext()
            .directExecutor()
            .maxInboundMessageSize(ModelServer.LARGEST_MESSAGE)
            .build();
  }

  @Override
  public void asyncInvoke(FeatureRow[] rows, ResultFuture<ScoredRow> result) {
    if (channel == null) {
      throw new IllegalStateException("not open");
    }
    byte[] request = new byte[rows.length * model.inputs() * Float.BYTES];
    ByteBuffer floats = ByteBuffer.wrap(request).order(ByteOrder.nativeOrder());
    for (FeatureRow row : rows) {
      for (double value : row.values) {
        floats.putFloat((float) value);
      }
    }
    ClientCalls.asyncUnaryCall(
        channel.newCall(ModelServer.SCORE, CallOptions.DEFAULT),
        request,
        new StreamObserver<byte[]>() {
          @Override
          public void onNext(byte[] answer) {
            result.complete(scored(rows, answer));
          }

          @Override
          public void onError(Throwable failure) {
            result.completeExceptionally(failure);
          }

          @Override
          public void onCompleted() {}
        });
  }

  private List<ScoredRow> scored(FeatureRow[] rows, byte[] answer) {
    ByteBuffer floats = ByteBuffer.wrap(answer).order(ByteOrder.nativeOrder());
    List<ScoredRow> scored = new ArrayList<>(rows.length);
    for (FeatureRow row : rows) {
      double[] outputs = new double[model.columns()];
      for (int i = 0; i < outputs.length; i++) {
        outputs[i] = floats.getFloat();
      }
      scored.add(ScoringJob.scored(row, outputs));
    }
    return scored;
  }

  @Override
  public void close() {
    if (channel != null) {
      channel.shutdownNow();
    }
  }
}
