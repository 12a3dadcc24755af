# One Kafka broker (KRaft) as an ordinary process. Sourced after processes.sh.

kafka_cluster_id=5L6g3nShT-eMCtK--X86sw
kafka_java=(java -Xms256m -Xmx512m -XX:+UseSerialGC
	"-Dlog4j2.configurationFile=$root/compose/kafka/log4j2.yaml" -cp "$root/var/kafka/libs/*")

kafka_start() {
	local config=$var/kafka/server.properties
	port_require kafka "$SIJANG_KAFKA_PORT" kafka
	port_require kafka "$SIJANG_KAFKA_CONTROLLER_PORT" kafka-controller
	kafka_configure "$config"
	if [ ! -e "$var/kafka/data/meta.properties" ]; then
		"${kafka_java[@]}" kafka.tools.StorageTool format -t "$kafka_cluster_id" -c "$config" \
			>>"$var/log/kafka.log" 2>&1 </dev/null || process_complain kafka "was not formatted"
	fi
	process_ensure kafka "" "${kafka_java[@]}" kafka.Kafka "$config"
}

# Written only when it differs: the file's time says whether the broker must start again.
kafka_configure() {
	sed -e "s|@PORT@|$SIJANG_KAFKA_PORT|" -e "s|@CONTROLLER_PORT@|$SIJANG_KAFKA_CONTROLLER_PORT|" \
		-e "s|@DATA@|$var/kafka/data|" "$root/compose/kafka/server.properties" >"$1.fresh"
	if cmp -s "$1.fresh" "$1"; then
		rm "$1.fresh"
	else
		mv "$1.fresh" "$1"
	fi
}

# An answered metadata request with a broker in it, not an open port.
kafka_ready() {
	[ -n "$(port_inode "$SIJANG_KAFKA_PORT")" ] &&
		kcat -b "$SIJANG_KAFKA_BROKERS" -L -m 5 2>/dev/null | grep '^ *broker 1 at' >/dev/null
}
