package io.pelton.model;

import com.google.protobuf.ByteString;
import com.google.protobuf.CodedInputStream;
import com.google.protobuf.WireFormat;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.SortedSet;
import java.util.TreeSet;

/**
 * The names in a {@code saved_model.pb}. DJL serves another signature, with no more than a log
 * line, when the wanted one is missing; so Pelton looks for itself.
 *
 * @param tags of all its graphs
 * @param signatures keys of all its signatures
 */
record SavedModelFile(SortedSet<String> tags, SortedSet<String> signatures) {
  // Field numbers of tensorflow/core/protobuf/saved_model.proto and meta_graph.proto.
  private static final int META_GRAPHS = 2;
  private static final int META_INFO = 1;
  private static final int TAGS = 4;
  private static final int SIGNATURE_MAP = 5;
  private static final int MAP_KEY = 1;

  static SavedModelFile read(Path file) throws IOException {
    SavedModelFile names = new SavedModelFile(new TreeSet<>(), new TreeSet<>());
    CodedInputStream model = CodedInputStream.newInstance(Files.readAllBytes(file));
    for (int tag = model.readTag(); tag != 0; tag = model.readTag()) {
      if (isMessage(tag, META_GRAPHS)) {
        names.readMetaGraph(model.readBytes());
      } else {
        model.skipField(tag);
      }
    }
    return names;
  }

  private void readMetaGraph(ByteString message) throws IOException {
    CodedInputStream graph = message.newCodedInput();
    for (int tag = graph.readTag(); tag != 0; tag = graph.readTag()) {
      if (isMessage(tag, META_INFO)) {
        readStrings(graph.readBytes(), TAGS, tags);
      } else if (isMessage(tag, SIGNATURE_MAP)) {
        readStrings(graph.readBytes(), MAP_KEY, signatures);
      } else {
        graph.skipField(tag);
      }
    }
  }

  private static void readStrings(ByteString message, int field, SortedSet<String> into)
      throws IOException {
    CodedInputStream input = message.newCodedInput();
    for (int tag = input.readTag(); tag != 0; tag = input.readTag()) {
      if (isMessage(tag, field)) {
        into.add(input.readStringRequireUtf8());
      } else {
        input.skipField(tag);
      }
    }
  }

  private static boolean isMessage(int tag, int field) {
    return WireFormat.getTagFieldNumber(tag) == field
        && WireFormat.getTagWireType(tag) == WireFormat.WIRETYPE_LENGTH_DELIMITED;
  }
}
