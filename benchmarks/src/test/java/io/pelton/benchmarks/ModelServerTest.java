package io.pelton.benchmarks;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.within;

import io.grpc.CallOptions;
import io.grpc.ManagedChannel;
import io.grpc.netty.shaded.io.grpc.netty.NettyChannelBuilder;
import io.grpc.stub.ClientCalls;
import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.nio.file.Path;
import java.util.List;
import java.util.Random;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

class ModelServerTest {
  private static final int LARGEST = 8;

  @TempDir private Path directory;

  @Test
  void scoresAsTheModelDoesInCallsOfAnySize() throws Exception {
    DenseNetwork network = new DenseNetwork(1);
    Path onnx = network.write(directory.resolve("model.onnx"));
    Process server =
        FreshJvm.start(
            List.of("-Xmx256m"),
            ModelServer.class,
            List.of(ScoredModel.NETWORK.name(), onnx.toString(), Integer.toString(LARGEST), "0"));
    try {
      int port = Integer.parseInt(FreshJvm.await(server, ModelServer.READY));
      ManagedChannel channel =
          NettyChannelBuilder.forAddress("127.0.0.1", port).usePlaintext().build();
      Random random = new Random(3);
      for (int rows : new int[] {1, 3, LARGEST, 1}) {
        double[][] values = new double[rows][DenseNetwork.inputs()];
        ByteBuffer request = buffer(rows * DenseNetwork.inputs());
        for (double[] row : values) {
          for (int i = 0; i < row.length; i++) {
            float value = random.nextFloat();
            row[i] = value;
            request.putFloat(value);
          }
        }
        byte[] answer =
            ClientCalls.blockingUnaryCall(
                channel, ModelServer.SCORE, CallOptions.DEFAULT, request.array());
        ByteBuffer scores = ByteBuffer.wrap(answer).order(ByteOrder.nativeOrder());
        for (double[] row : values) {
          for (double expected : network.score(row)) {
            assertThat((double) scores.getFloat()).isCloseTo(expected, within(1e-5));
          }
        }
        assertThat(scores.hasRemaining()).isFalse();
      }
      channel.shutdownNow();
    } finally {
      InferenceBenchmark.end(server);
    }
  }

  private static ByteBuffer buffer(int floats) {
    return ByteBuffer.allocate(floats * Float.BYTES).order(ByteOrder.nativeOrder());
  }
}
