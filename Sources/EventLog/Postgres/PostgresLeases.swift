// Which member of a group owns which partition: rows that are owned for a time, by the server's clock.
//
// Each member writes, every quarter of the lease, that it lives and that it keeps what it owns; counts who lives;
// and from that knows its share. It takes free partitions up to its share, and gives away what is above it. Every
// step is one statement, so that no member holds a lock while it is not looking, however long it is stopped.
//
// A partition's epoch grows when its owner changes. Whatever an owner writes says its name and epoch: of an owner
// that was stopped, and whose lease another one took, nothing is written any more.
//
// `consumer_group_offsets` keeps what the original reads: the lowest offset of all partitions.

enum PostgresLeases {
  // MARK: Joining

  /// Makes the group known and keeps others from joining until the transaction ends. Gives the number of
  /// partitions, 0 when it is new. Parameters: group, topic.
  static let enter = """
    INSERT INTO spacer_groups (group_id, topic, partition_count) VALUES ($1::text, $2::text, 0) \
    ON CONFLICT (group_id, topic) DO UPDATE SET partition_count = spacer_groups.partition_count \
    RETURNING partition_count
    """

  /// The name that the group's row has for a topic, and its offset. Parameters: group, topic.
  static let originalOffset = """
    SELECT topic, group_offset FROM consumer_group_offsets WHERE group_id = $1::text \
    AND lower(topic) = lower($2::text) ORDER BY topic = $2::text DESC LIMIT 1
    """

  /// The lowest offset and the highest epoch of a group's partitions. Parameters: group, topic.
  static let extent = """
    SELECT min(done), max(epoch) FROM spacer_partitions WHERE group_id = $1::text AND topic = $2::text
    """

  /// Keeps what partitions of another number have done beyond the lowest, so that it is not done again.
  /// Parameters: group, topic, their number.
  static let keepEarlier = """
    INSERT INTO spacer_earlier_partitions AS e (group_id, topic, partition_count, partition, done) \
    SELECT group_id, topic, $3::int, partition, done FROM spacer_partitions \
    WHERE group_id = $1::text AND topic = $2::text \
    ON CONFLICT (group_id, topic, partition_count, partition) DO UPDATE SET done = greatest(e.done, EXCLUDED.done)
    """

  /// Number of partitions, partition, done. Parameters: group, topic.
  static let earlier = """
    SELECT partition_count, partition, done FROM spacer_earlier_partitions \
    WHERE group_id = $1::text AND topic = $2::text
    """

  /// Parameters: group, topic, the lowest offset.
  static let removeEarlier = """
    DELETE FROM spacer_earlier_partitions WHERE group_id = $1::text AND topic = $2::text AND done <= $3::bigint
    """

  /// Parameters: group, topic.
  static let removePartitions = """
    DELETE FROM spacer_partitions WHERE group_id = $1::text AND topic = $2::text
    """

  /// Parameters: group, topic, number of partitions, epoch, done.
  static let makePartitions = """
    INSERT INTO spacer_partitions (group_id, topic, partition, epoch, done) \
    SELECT $1::text, $2::text, p, $4::bigint, $5::bigint FROM generate_series(0, $3::int - 1) AS p
    """

  /// Parameters: group, topic, number of partitions.
  static let setCount = """
    UPDATE spacer_groups SET partition_count = $3::int WHERE group_id = $1::text AND topic = $2::text
    """

  /// Where the original has gone on meanwhile. Parameters: group, topic, its offset.
  static let raise = """
    UPDATE spacer_partitions SET done = $3::bigint WHERE group_id = $1::text AND topic = $2::text \
    AND done < $3::bigint
    """

  // MARK: Living

  /// Parameters: group, member, topics, numbers of partitions, lease in milliseconds. Gives true for a new one.
  static let live = """
    INSERT INTO spacer_members AS m (group_id, topic, member_id, partition_count, expires_at) \
    SELECT $1::text, t, $2::text, c, clock_timestamp() + $5::bigint * interval '1 millisecond' \
    FROM unnest($3::text[], $4::int4[]) AS e(t, c) ORDER BY t \
    ON CONFLICT (group_id, topic, member_id) DO UPDATE SET expires_at = EXCLUDED.expires_at, \
    partition_count = EXCLUDED.partition_count RETURNING m.xmax = 0
    """

  /// Parameters: group, member, lease in milliseconds. Gives what the member owns: topic, partition, epoch, done.
  static let renew = """
    UPDATE spacer_partitions SET expires_at = clock_timestamp() + $3::bigint * interval '1 millisecond' \
    WHERE group_id = $1::text AND owner = $2::text RETURNING topic, partition, epoch, done
    """

  /// Who lives: topic, member, the topic's number of partitions. Members with another number than the group's do
  /// not count: one with the newer number has fenced them. Parameters: group, topics.
  static let members = """
    SELECT m.topic, m.member_id, m.partition_count FROM spacer_members m \
    JOIN spacer_groups g ON g.group_id = m.group_id AND g.topic = m.topic \
    AND g.partition_count = m.partition_count \
    WHERE m.group_id = $1::text AND m.topic = ANY($2::text[]) AND m.expires_at > clock_timestamp() \
    ORDER BY m.topic, m.member_id COLLATE "C"
    """

  /// Takes free partitions. They are chosen once, before the update: within its join they might be chosen again for
  /// each row, and more taken than asked for. Parameters: group, member, topic, how many, lease in milliseconds, the
  /// member's number of partitions. Gives partition, epoch, done.
  static let take = """
    WITH free AS MATERIALIZED (SELECT partition FROM spacer_partitions \
    WHERE group_id = $1::text AND topic = $3::text AND (owner IS NULL OR expires_at <= clock_timestamp()) \
    ORDER BY partition LIMIT $4::bigint FOR UPDATE SKIP LOCKED) \
    UPDATE spacer_partitions p SET owner = $2::text, epoch = p.epoch + 1, \
    expires_at = clock_timestamp() + $5::bigint * interval '1 millisecond' FROM free \
    WHERE p.group_id = $1::text AND p.topic = $3::text AND p.partition = free.partition \
    AND (p.owner IS NULL OR p.expires_at <= clock_timestamp()) \
    AND EXISTS (SELECT 1 FROM spacer_groups g WHERE g.group_id = $1::text AND g.topic = $3::text \
    AND g.partition_count = $6::int) \
    RETURNING p.partition, p.epoch, p.done
    """

  // MARK: Progress

  /// Parameters: group, member, topics, partitions, epochs, offsets. Gives those that are the member's. It does
  /// not wait for the disk: after a crash of the server's, events come again.
  static let commit = """
    UPDATE spacer_partitions p SET done = greatest(p.done, e.done) \
    FROM unnest($3::text[], $4::int4[], $5::bigint[], $6::bigint[]) AS e(topic, partition, epoch, done), \
    (SELECT set_config('synchronous_commit', 'off', true)) AS quickly \
    WHERE p.group_id = $1::text AND p.owner = $2::text AND p.topic = e.topic AND p.partition = e.partition \
    AND p.epoch = e.epoch RETURNING p.topic, p.partition
    """

  /// As `commit`, and gives the partitions back.
  static let release = """
    UPDATE spacer_partitions p SET done = greatest(p.done, e.done), owner = NULL, expires_at = NULL, \
    epoch = p.epoch + 1 \
    FROM unnest($3::text[], $4::int4[], $5::bigint[], $6::bigint[]) AS e(topic, partition, epoch, done) \
    WHERE p.group_id = $1::text AND p.owner = $2::text AND p.topic = e.topic AND p.partition = e.partition \
    AND p.epoch = e.epoch RETURNING p.topic, p.partition
    """

  /// Writes the lowest offset where the original reads it; gives it when it has grown. Parameters: group, topic, the name that the
  /// row has for the topic.
  static let writeOriginal = """
    INSERT INTO consumer_group_offsets AS o (group_offset, group_id, topic) \
    SELECT greatest(min(done), 0), $1::text, $3::text FROM spacer_partitions \
    WHERE group_id = $1::text AND topic = $2::text HAVING count(*) > 0 \
    ON CONFLICT (group_id, topic) DO UPDATE SET group_offset = EXCLUDED.group_offset \
    WHERE o.group_offset < EXCLUDED.group_offset RETURNING group_offset
    """

  /// Parameters: group, member.
  static let leave = "DELETE FROM spacer_members WHERE group_id = $1::text AND member_id = $2::text"

  /// Removes members that have been gone for long. Parameters: group.
  static let removeGone = """
    DELETE FROM spacer_members WHERE group_id = $1::text AND expires_at < clock_timestamp() - interval '1 hour'
    """

  // MARK: Status

  /// Partition, done, owner, number of partitions. Parameters: group, topic.
  static let status = """
    SELECT p.partition, p.done, CASE WHEN p.expires_at > clock_timestamp() THEN p.owner END, g.partition_count \
    FROM spacer_partitions p JOIN spacer_groups g ON g.group_id = p.group_id AND g.topic = p.topic \
    WHERE p.group_id = $1::text AND p.topic = $2::text ORDER BY p.partition
    """

  /// The channel on which a group's members tell that there is something to share anew.
  static func channel(_ group: String) -> String {
    var hash: UInt64 = 0xCBF2_9CE4_8422_2325
    for byte in group.utf8 { hash = (hash ^ UInt64(byte)) &* 0x0000_0100_0000_01B3 }
    return "spacer_group_" + String(hash, radix: 16)
  }
}

/// How partitions are shared out.
enum PartitionShare {
  /// How many of a topic's partitions a member is to own: the same for all but for the rest, which goes to members
  /// in turn, beginning at another one for each topic. Where it begins is said by nothing but the topic's name:
  /// members may read different topics, and must agree all the same.
  /// - Parameter members: All that live, sorted; `place` is the member's among them.
  static func count(partitions: Int, members: Int, place: Int, topic: String) -> Int {
    guard members > 0, place >= 0 else { return 0 }
    let turn = (place + Int(KeyPartition.hash(Array(topic.utf8)))) % members
    return partitions / members + (turn < partitions % members ? 1 : 0)
  }
}
