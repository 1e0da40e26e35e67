package io.pelton.model;

import com.google.protobuf.CodedInputStream;
import com.google.protobuf.WireFormat;
import java.io.IOException;
import java.io.InputStream;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.SortedSet;
import java.util.TreeSet;

/**
 * The outputs that an {@code .onnx} file declares, and its operators. DJL turns an output that is
 * no tensor into one by boxing every value, in the order of a hash map, and never frees the
 * original; so Pelton looks for such outputs before.
 *
 * @param tensors names of the outputs that are tensors
 * @param others names of the others: sequences and maps
 * @param operators the types of its nodes, those of other domains than ONNX's own with the domain:
 *     {@code ai.onnx.ml.TreeEnsembleClassifier}
 */
record OnnxFile(SortedSet<String> tensors, SortedSet<String> others, SortedSet<String> operators) {
  private static final String CLASSIC = "ai.onnx.ml.";

  // Field numbers of onnx.proto.
  private static final int GRAPH = 7;
  private static final int NODE = 1;
  private static final int OPERATOR = 4;
  private static final int DOMAIN = 7;
  private static final int OUTPUT = 12;
  private static final int VALUE_NAME = 1;
  private static final int VALUE_TYPE = 2;
  private static final int TENSOR_TYPE = 1;

  static OnnxFile read(Path file) throws IOException {
    OnnxFile outputs = new OnnxFile(new TreeSet<>(), new TreeSet<>(), new TreeSet<>());
    try (InputStream stream = Files.newInputStream(file)) {
      CodedInputStream model = CodedInputStream.newInstance(stream);
      model.setSizeLimit(Integer.MAX_VALUE);
      for (int tag = model.readTag(); tag != 0; tag = model.readTag()) {
        if (isMessage(tag, GRAPH)) {
          outputs.readGraph(model);
        } else {
          model.skipField(tag);
        }
      }
    }
    return outputs;
  }

  /** In place, for the graph holds the weights. */
  private void readGraph(CodedInputStream model) throws IOException {
    int outer = model.pushLimit(model.readRawVarint32());
    for (int tag = model.readTag(); tag != 0; tag = model.readTag()) {
      if (isMessage(tag, OUTPUT)) {
        readOutput(model.readBytes().newCodedInput());
      } else if (isMessage(tag, NODE)) {
        readNode(model.readBytes().newCodedInput());
      } else {
        model.skipField(tag);
      }
    }
    model.popLimit(outer);
  }

  private void readNode(CodedInputStream node) throws IOException {
    String operator = "";
    String domain = "";
    for (int tag = node.readTag(); tag != 0; tag = node.readTag()) {
      if (isMessage(tag, OPERATOR)) {
        operator = node.readStringRequireUtf8();
      } else if (isMessage(tag, DOMAIN)) {
        domain = node.readStringRequireUtf8();
      } else {
        node.skipField(tag);
      }
    }
    operators.add(domain.isEmpty() ? operator : domain + "." + operator);
  }

  /**
   * Whether nothing of it can be computed on a GPU: ONNX Runtime has trees, vector machines and
   * their like for the CPU alone, and puts them there without a word.
   */
  boolean isForCpuAlone() {
    return !operators.isEmpty()
        && operators.stream().allMatch(operator -> operator.startsWith(CLASSIC));
  }

  private void readOutput(CodedInputStream output) throws IOException {
    String name = "";
    boolean tensor = false;
    for (int tag = output.readTag(); tag != 0; tag = output.readTag()) {
      if (isMessage(tag, VALUE_NAME)) {
        name = output.readStringRequireUtf8();
      } else if (isMessage(tag, VALUE_TYPE)) {
        tensor = isMessage(output.readBytes().newCodedInput().readTag(), TENSOR_TYPE);
      } else {
        output.skipField(tag);
      }
    }
    (tensor ? tensors : others).add(name);
  }

  private static boolean isMessage(int tag, int field) {
    return WireFormat.getTagFieldNumber(tag) == field
        && WireFormat.getTagWireType(tag) == WireFormat.WIRETYPE_LENGTH_DELIMITED;
  }
}
