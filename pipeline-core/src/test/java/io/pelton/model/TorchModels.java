package io.pelton.model;

import static java.nio.charset.StandardCharsets.ISO_8859_1;
import static java.nio.charset.StandardCharsets.UTF_8;

import java.io.IOException;
import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.zip.ZipEntry;
import java.util.zip.ZipOutputStream;

/**
 * TorchScript archives as {@code torch.jit.save} lays them out: a zip of the module's code, its
 * pickled attributes and the bytes of its tensors.
 */
public final class TorchModels {
  private TorchModels() {}

  /**
   * {@code features} [rows, n] to an unnamed score [rows, 1], as {@link TinyModels} computes it.
   */
  public static Path logistic(Path file, double[] weights, double bias) throws IOException {
    return write(
        file,
        weights,
        """
            features: Tensor) -> Tensor:
            logits = torch.add(torch.matmul(features, self.weights), %s)
            return torch.sigmoid(logits)
        """
            .formatted(bias));
  }

  /**
   * {@link MixedModels} as a module: its five inputs by their order; {@code embedding}, {@code
   * half}, {@code byte}, {@code signed}, {@code unflagged}, and {@code strided}, every second value
   * of the embedding as a view of it.
   */
  public static Path mixed(Path file) throws IOException {
    return write(
        file,
        new double[] {2},
        """
            amounts: Tensor,
            count: Tensor,
            small: Tensor,
            flag: Tensor,
            precise: Tensor) -> Dict[str, Tensor]:
            counts = torch.unsqueeze(torch.to(count, 6), 1)
            flags = torch.unsqueeze(torch.to(flag, 6), 1)
            all = torch.cat([amounts, counts, torch.to(small, 6), flags, torch.to(precise, 6)], 1)
            embedding = torch.div(all, self.weights)
            return {"embedding": embedding, "half": torch.to(embedding, 5), "byte": torch.to(small, 0), "signed": torch.to(small, 1), "unflagged": torch.logical_not(flag), "strided": torch.slice(embedding, 1, 0, 6, 2)}
        """);
  }

  private static Path write(Path file, double[] weights, String forward) throws IOException {
    ByteBuffer tensor =
        ByteBuffer.allocate(weights.length * Float.BYTES).order(ByteOrder.LITTLE_ENDIAN);
    for (double weight : weights) {
      tensor.putFloat((float) weight);
    }
    String code =
        """
        class Tiny(Module):
          __parameters__ = []
          __buffers__ = ["weights", ]
          training : bool
          weights : Tensor
          def forward(self: __torch__.Tiny,
        """
            + forward;
    try (ZipOutputStream archive = new ZipOutputStream(Files.newOutputStream(file))) {
      put(archive, "version", "3\n".getBytes(UTF_8));
      put(archive, "code/__torch__.py", code.getBytes(UTF_8));
      put(archive, "data.pkl", attributes(weights.length).getBytes(ISO_8859_1));
      put(archive, "data/0", tensor.array());
      put(archive, "constants.pkl", "\u0080\u0002).".getBytes(ISO_8859_1));
    }
    return file;
  }

  /** Pickle, protocol 2: a Tiny with {@code training} false and {@code weights} [n, 1]. */
  private static String attributes(int weights) {
    String n = "K" + (char) weights;
    return "\u0080\u0002c__torch__\nTiny\n)\u0081}("
        + text("training")
        + "\u0089"
        + text("weights")
        + "ctorch._utils\n_rebuild_tensor_v2\n(("
        + text("storage")
        + "ctorch\nFloatStorage\n"
        + text("0")
        + text("cpu")
        + n
        + "tQK\u0000"
        + n
        + "K\u0001\u0086K\u0001K\u0001\u0086\u0089ccollections\nOrderedDict\n)RtRub.";
  }

  private static String text(String value) {
    return "X" + (char) value.length() + "\u0000\u0000\u0000" + value;
  }

  private static void put(ZipOutputStream archive, String name, byte[] content) throws IOException {
    archive.putNextEntry(new ZipEntry("tiny/" + name));
    archive.write(content);
    archive.closeEntry();
  }
}
