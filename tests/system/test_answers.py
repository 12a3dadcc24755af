"""What clients are promised: statuses, headers, bodies, conditions, repetition."""

import http.client
import json
import threading
import uuid

import pytest

LATTE = {"title": "Café latte", "description": "With oat milk.", "price": 4500, "stock": 3}


@pytest.fixture
def seller(market):
    return market.client(f"seller-{uuid.uuid4()}", "seller")


@pytest.fixture
def listed(seller):
    answer = seller.post("/v1/products", LATTE)
    assert answer.status_code == 201, answer.text
    return answer


def path_of(listed):
    return listed.headers["Location"]


def test_a_listed_product_is_read_back_with_its_position(market, listed):
    read = market.client().get(path_of(listed), after=listed)
    assert read.status_code == 200, read.text
    body = read.json()
    assert body["title"] == "Café latte"
    assert body["description"] == "With oat milk."
    assert (body["price"], body["on_hand"], body["reserved"], body["available"]) == (4500, 3, 0, 3)
    assert (body["status"], body["made_to_order"], body["version"]) == ("active", False, 2)
    assert body["id"] == listed.json()["id"]
    assert read.headers["ETag"] == '"2"'
    assert "Sijang-Position" in read.headers


def test_a_created_thing_has_location_etag_id_and_version(listed):
    body = listed.json()
    assert set(body) == {"id", "version"}
    assert listed.headers["Location"] == f"/v1/products/{body['id']}"
    assert listed.headers["ETag"] == f'"{body["version"]}"' == '"2"'
    assert listed.headers["Sijang-Position"].startswith("catalog/")
    assert uuid.UUID(body["id"]).version == 7


def test_the_whole_life_of_a_product(market, seller, listed):
    path = path_of(listed)
    assert seller.patch(path, {"title": "Latte"}).json()["version"] == 3
    assert seller.put(f"{path}/price", {"price": 5000}).json()["version"] == 4
    assert seller.post(f"{path}/stock-adjustments",
                       {"delta": 7, "reason": "delivery"}).json()["version"] == 5
    reserved = seller.post(f"{path}/reservations", {"reservation_id": "line-1", "quantity": 4})
    assert reserved.status_code == 201
    assert reserved.headers["Location"] == f"{path}/reservations/line-1"
    seller.post(f"{path}/reservations", {"reservation_id": "line-2", "quantity": 2})
    assert seller.post(f"{path}/reservations/line-1/commitment").status_code == 200
    assert seller.delete(f"{path}/reservations/line-2").status_code == 200
    gone = seller.delete(path)
    assert (gone.status_code, gone.json()["version"]) == (200, 10)
    body = market.client().get(path, after=gone).json()
    assert (body["title"], body["price"], body["on_hand"], body["reserved"], body["status"]) == (
        "Latte", 5000, 6, 0, "delisted")


def test_the_same_key_gets_the_first_answer_again(seller):
    key = str(uuid.uuid4())
    first = seller.post("/v1/products", LATTE, key)
    again = seller.post("/v1/products", LATTE, key)
    assert (again.status_code, again.json()) == (first.status_code, first.json())
    for name in ("Location", "ETag"):
        assert again.headers[name] == first.headers[name]


def test_the_same_key_with_another_body_is_refused(seller):
    key = str(uuid.uuid4())
    assert seller.post("/v1/products", LATTE, key).status_code == 201
    again = seller.post("/v1/products", {**LATTE, "price": 1}, key)
    assert (again.status_code, again.json()["code"]) == (422, "idempotency_key_reused")


def test_two_callers_may_use_the_same_key(market):
    key = str(uuid.uuid4())
    answers = [market.client(f"seller-{uuid.uuid4()}", "seller").post("/v1/products", LATTE, key)
               for _ in range(2)]
    assert answers[0].json()["id"] != answers[1].json()["id"]


def test_concurrent_duplicates_get_one_answer(market, seller, listed):
    key, answers = str(uuid.uuid4()), []
    token = seller._session.headers["Authorization"].split()[1]

    def send():
        client = type(seller)(seller.url, token)
        answers.append(client.post(f"{path_of(listed)}/stock-adjustments",
                                   {"delta": 1, "reason": "count"}, key))
    threads = [threading.Thread(target=send) for _ in range(16)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert {(answer.status_code, answer.json()["version"]) for answer in answers} == {(200, 3)}


def test_what_creates_needs_a_key(seller, listed):
    for path, body in (("/v1/products", LATTE),
                       (f"{path_of(listed)}/reservations", {"reservation_id": "x", "quantity": 1})):
        answer = seller.request("POST", path, body)
        assert (answer.status_code, answer.json()["code"]) == (400, "idempotency_key_required")


def test_what_changes_needs_no_key(seller, listed):
    answer = seller.request("POST", f"{path_of(listed)}/stock-adjustments",
                            {"delta": 1, "reason": "count"})
    assert answer.status_code == 200


def test_a_moved_aggregate_fails_the_precondition(seller, listed):
    path = f"{path_of(listed)}/price"
    assert seller.put(path, {"price": 1}, headers={"If-Match": '"2"'}).status_code == 200
    answer = seller.put(path, {"price": 2}, headers={"If-Match": '"2"'})
    assert (answer.status_code, answer.json()["code"]) == (412, "precondition_failed")
    assert seller.put(path, {"price": 2}, headers={"If-Match": "*"}).status_code == 200


@pytest.mark.parametrize("name, value, status, code", [
    ("If-Match", '"2"', 412, "precondition_failed"),
    ("Idempotency-Key", "a", 400, "idempotency_key_invalid"),
])
def test_a_header_of_one_value_may_not_be_there_twice(market, seller, listed, name, value, status,
                                                      code):
    connection = http.client.HTTPConnection("127.0.0.1", market.command.port, timeout=20)
    connection.putrequest("PUT", f"{path_of(listed)}/price")
    for header, said in ((name, value), (name, '"7"'), ("Content-Type", "application/json"),
                         ("Content-Length", "11"),
                         ("Authorization", f"Bearer {market.token('seller', 'seller')}")):
        connection.putheader(header, said)
    connection.endheaders(b'{"price":9}')
    answer = connection.getresponse()
    assert (answer.status, json.loads(answer.read())["code"]) == (status, code)
    connection.close()


def test_a_refusal_changes_nothing_and_has_a_stable_code(market, seller, listed):
    answer = seller.post(f"{path_of(listed)}/reservations", {"reservation_id": "a", "quantity": 4})
    assert answer.status_code == 409
    assert answer.headers["Content-Type"] == "application/problem+json"
    problem = answer.json()
    assert (problem["code"], problem["status"]) == ("stock_short", 409)
    assert problem["type"] and problem["title"] and problem["request_id"]
    body = market.client().get(path_of(listed), after=listed).json()
    assert (body["reserved"], body["version"]) == (0, 2)


def test_changing_nothing_keeps_the_version(seller, listed):
    answer = seller.put(f"{path_of(listed)}/price", {"price": 4500})
    assert (answer.status_code, answer.json()["version"]) == (200, 2)


def test_only_its_seller_or_an_admin_may_change_it(market, listed):
    path = f"{path_of(listed)}/price"
    answer = market.client("somebody-else", "seller").put(path, {"price": 1})
    assert (answer.status_code, answer.json()["code"]) == (403, "product_not_yours")
    assert market.client("boss", "admin").put(path, {"price": 1}).status_code == 200


@pytest.mark.parametrize("role, status", [("customer", 403), ("staff", 403), ("moderator", 403),
                                          ("service", 403), ("seller", 201), ("admin", 201)])
def test_who_may_list_products(market, role, status):
    assert market.client("somebody", role).post("/v1/products", LATTE).status_code == status


def test_services_may_reserve_what_is_not_theirs(market, listed):
    service = market.client("orders", "service")
    reserve = service.post(f"{path_of(listed)}/reservations",
                           {"reservation_id": "line-1", "quantity": 1})
    assert reserve.status_code == 201
    assert service.delete(f"{path_of(listed)}/reservations/line-1").status_code == 200


def test_nobody_oversells_under_concurrency(market, seller):
    listed = seller.post("/v1/products", {**LATTE, "stock": 10})
    token = market.token("orders", "service")
    statuses, lock = [], threading.Lock()

    def buy(number):
        client = type(seller)(seller.url, token)
        answer = client.post(f"{path_of(listed)}/reservations",
                             {"reservation_id": f"line-{number}", "quantity": 1})
        with lock:
            statuses.append(answer.status_code)
    threads = [threading.Thread(target=buy, args=(number,)) for number in range(40)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert sorted(statuses) == [201] * 10 + [409] * 30


def test_an_unchanged_product_is_304(market, listed):
    reader = market.client()
    etag = reader.get(path_of(listed), after=listed).headers["ETag"]
    answer = reader.get(path_of(listed), headers={"If-None-Match": etag})
    assert (answer.status_code, answer.content) == (304, b"")


def test_lists_page_through_everything_once(market):
    name = uuid.uuid4().hex
    seller = market.client(name, "seller")
    created = [seller.post("/v1/products", {**LATTE, "title": f"{name} {number}"})
               for number in range(7)]
    reader = market.client()
    for answer in created:
        assert reader.get(path_of(answer), after=answer).status_code == 200
        reader.get("/v1/products?limit=1", after=answer)
    found, cursor, pages = [], "", 0
    while True:
        page = reader.get(f"/v1/products?term={name}&limit=3{cursor}").json()
        found += [item["id"] for item in page["items"]]
        pages += 1
        if "next_cursor" not in page:
            break
        cursor = f"&cursor={page['next_cursor']}"
    assert found == [answer.json()["id"] for answer in reversed(created)]
    assert pages == 3


def test_lists_filter_by_term_seller_and_availability(market):
    name = uuid.uuid4().hex
    seller = market.client(name, "seller")
    seller.post("/v1/products", {**LATTE, "title": "아메리카노", "stock": 0})
    last = seller.post("/v1/products", {**LATTE, "title": "카페 라떼"})
    reader = market.client()

    def titles(query):
        answer = reader.get(f"/v1/products?seller={name}&{query}", after=last)
        assert answer.status_code == 200, answer.text
        return [item["title"] for item in answer.json()["items"]]
    assert titles("") == ["카페 라떼", "아메리카노"]
    assert titles("term=라떼") == ["카페 라떼"]
    assert titles("available=true") == ["카페 라떼"]
    assert titles("term=없음") == []


def test_waiting_for_what_never_comes_times_out_truthfully(market, listed):
    place, log = listed.headers["Sijang-Position"].split("~")
    partition = place.split("@")[0]
    reader = market.client()
    late = reader.get(path_of(listed), headers={"Sijang-Wait-For": f"{partition}@999999999~{log}",
                                                "Prefer": "wait=0.2"})
    assert (late.status_code, late.json()["code"]) == (504, "position_not_reached")
    other = reader.get(path_of(listed), headers={
        "Sijang-Wait-For": f"{partition}@1~00000000-0000-4000-8000-000000000001"})
    assert other.status_code == 400
    junk = reader.get(path_of(listed), headers={"Sijang-Wait-For": "catalog"})
    assert junk.status_code == 400


def test_an_unknown_product_is_404_on_both_sides(market, seller):
    for identifier in (uuid.uuid4(), "no-uuid"):
        for answer in (market.client().get(f"/v1/products/{identifier}"),
                       seller.put(f"/v1/products/{identifier}/price", {"price": 1})):
            assert (answer.status_code, answer.json()["code"]) == (404, "product_not_found")
