package io.pelton.training;

import ai.onnx.proto.OnnxMl.AttributeProto;
import ai.onnx.proto.OnnxMl.GraphProto;
import ai.onnx.proto.OnnxMl.ModelProto;
import ai.onnx.proto.OnnxMl.NodeProto;
import ai.onnx.proto.OnnxMl.OperatorSetIdProto;
import ai.onnx.proto.OnnxMl.TensorProto;
import ai.onnx.proto.OnnxMl.TensorShapeProto;
import ai.onnx.proto.OnnxMl.TypeProto;
import ai.onnx.proto.OnnxMl.ValueInfoProto;
import com.fasterxml.jackson.core.JsonProcessingException;
import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.ObjectMapper;
import com.google.protobuf.ByteString;
import java.util.ArrayList;
import java.util.List;

/**
 * Writes boosted trees for two classes as one ONNX {@code TreeEnsembleClassifier}: input {@code
 * features} [rows, features], outputs {@code label} [rows] and {@code probabilities} [rows, 2].
 * Tribuo cannot export its XGBoost models itself. XGBoost's trees come class by class in turn; the
 * sum of a class's leaves is its margin, and softmax of margins its probability. Operator: ONNX
 * {@code ai.onnx.ml} version 1.
 */
final class TreeEnsembleOnnx {
  static final String INPUT = "features";
  static final String LABEL = "label";
  static final String PROBABILITIES = "probabilities";

  private static final ObjectMapper JSON = new ObjectMapper();
  private static final int CLASSES = 2;
  private static final int IR_VERSION = 8;
  private static final int OPSET = 13;
  private static final int ML_OPSET = 1;

  private final List<Long> treeIds = new ArrayList<>();
  private final List<Long> nodeIds = new ArrayList<>();
  private final List<Long> featureIds = new ArrayList<>();
  private final List<ByteString> modes = new ArrayList<>();
  private final List<Float> thresholds = new ArrayList<>();
  private final List<Long> trueIds = new ArrayList<>();
  private final List<Long> falseIds = new ArrayList<>();
  private final List<Long> missingTracksTrue = new ArrayList<>();
  private final List<Long> leafTreeIds = new ArrayList<>();
  private final List<Long> leafNodeIds = new ArrayList<>();
  private final List<Long> leafClassIds = new ArrayList<>();
  private final List<Float> leafWeights = new ArrayList<>();

  private final int[] columnOfFeature;

  private TreeEnsembleOnnx(int[] columnOfFeature) {
    this.columnOfFeature = columnOfFeature;
  }

  /**
   * @param trees XGBoost's JSON dump, one tree each
   * @param labelOfClass the label, 0 or 1, that each of XGBoost's classes stands for
   * @param columnOfFeature input column of each of XGBoost's features
   * @param features number of input columns
   */
  static byte[] write(String[] trees, int[] labelOfClass, int[] columnOfFeature, int features) {
    var ensemble = new TreeEnsembleOnnx(columnOfFeature);
    for (int tree = 0; tree < trees.length; tree++) {
      ensemble.add(tree, labelOfClass[tree % CLASSES], parse(trees[tree]));
    }
    return ensemble.model(features).toByteArray();
  }

  private static JsonNode parse(String tree) {
    try {
      return JSON.readTree(tree);
    } catch (JsonProcessingException e) {
      throw new IllegalStateException("XGBoost dumped a tree that is not JSON: " + tree, e);
    }
  }

  private void add(long tree, long label, JsonNode node) {
    long id = node.required("nodeid").asLong();
    treeIds.add(tree);
    nodeIds.add(id);
    if (node.has("leaf")) {
      addNode("LEAF", 0, 0, 0, 0, false);
      leafTreeIds.add(tree);
      leafNodeIds.add(id);
      leafClassIds.add(label);
      leafWeights.add(Float.parseFloat(node.get("leaf").asText()));
      return;
    }
    long yes = node.required("yes").asLong();
    long missing = node.required("missing").asLong();
    addNode(
        "BRANCH_LT",
        columnOfFeature[feature(node.required("split").asText())],
        // Through text: a double between would round twice.
        Float.parseFloat(node.required("split_condition").asText()),
        yes,
        node.required("no").asLong(),
        missing == yes);
    for (JsonNode child : node.required("children")) {
      add(tree, label, child);
    }
  }

  private static int feature(String split) {
    return Integer.parseInt(split.startsWith("f") ? split.substring(1) : split);
  }

  private void addNode(
      String mode, long feature, float threshold, long yes, long no, boolean missingIsYes) {
    modes.add(ByteString.copyFromUtf8(mode));
    featureIds.add(feature);
    thresholds.add(threshold);
    trueIds.add(yes);
    falseIds.add(no);
    missingTracksTrue.add(missingIsYes ? 1L : 0L);
  }

  private ModelProto model(int features) {
    var node =
        NodeProto.newBuilder()
            .setName("trees")
            .setOpType("TreeEnsembleClassifier")
            .setDomain("ai.onnx.ml")
            .addInput(INPUT)
            .addOutput(LABEL)
            .addOutput(PROBABILITIES)
            .addAttribute(integers("classlabels_int64s", List.of(0L, 1L)))
            // No base_values: XGBoost starts both margins at the same value, which softmax cancels,
            // and ONNX Runtime takes two base values as those of one signed margin.
            .addAttribute(integers("nodes_treeids", treeIds))
            .addAttribute(integers("nodes_nodeids", nodeIds))
            .addAttribute(integers("nodes_featureids", featureIds))
            .addAttribute(strings("nodes_modes", modes))
            .addAttribute(floats("nodes_values", thresholds))
            .addAttribute(integers("nodes_truenodeids", trueIds))
            .addAttribute(integers("nodes_falsenodeids", falseIds))
            .addAttribute(integers("nodes_missing_value_tracks_true", missingTracksTrue))
            .addAttribute(integers("class_treeids", leafTreeIds))
            .addAttribute(integers("class_nodeids", leafNodeIds))
            .addAttribute(integers("class_ids", leafClassIds))
            .addAttribute(floats("class_weights", leafWeights))
            .addAttribute(
                attribute("post_transform", AttributeProto.AttributeType.STRING)
                    .setS(ByteString.copyFromUtf8("SOFTMAX")));
    var graph =
        GraphProto.newBuilder()
            .setName("boosted-trees")
            .addNode(node)
            .addInput(tensor(INPUT, TensorProto.DataType.FLOAT, features))
            .addOutput(tensor(LABEL, TensorProto.DataType.INT64))
            .addOutput(tensor(PROBABILITIES, TensorProto.DataType.FLOAT, CLASSES));
    return ModelProto.newBuilder()
        .setIrVersion(IR_VERSION)
        .setProducerName("pelton")
        .addOpsetImport(OperatorSetIdProto.newBuilder().setDomain("").setVersion(OPSET))
        .addOpsetImport(
            OperatorSetIdProto.newBuilder().setDomain("ai.onnx.ml").setVersion(ML_OPSET))
        .setGraph(graph)
        .build();
  }

  /** A tensor of [rows, columns...]. */
  private static ValueInfoProto tensor(String name, TensorProto.DataType type, int... columns) {
    var shape = TensorShapeProto.newBuilder();
    shape.addDimBuilder().setDimParam("rows");
    for (int column : columns) {
      shape.addDimBuilder().setDimValue(column);
    }
    return ValueInfoProto.newBuilder()
        .setName(name)
        .setType(
            TypeProto.newBuilder()
                .setTensorType(
                    TypeProto.Tensor.newBuilder().setElemType(type.getNumber()).setShape(shape)))
        .build();
  }

  private static AttributeProto.Builder attribute(String name, AttributeProto.AttributeType type) {
    return AttributeProto.newBuilder().setName(name).setType(type);
  }

  private static AttributeProto.Builder integers(String name, List<Long> values) {
    return attribute(name, AttributeProto.AttributeType.INTS).addAllInts(values);
  }

  private static AttributeProto.Builder floats(String name, List<Float> values) {
    return attribute(name, AttributeProto.AttributeType.FLOATS).addAllFloats(values);
  }

  private static AttributeProto.Builder strings(String name, List<ByteString> values) {
    return attribute(name, AttributeProto.AttributeType.STRINGS).addAllStrings(values);
  }
}
