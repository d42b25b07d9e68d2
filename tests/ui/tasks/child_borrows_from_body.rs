use withal::tasks::{InPlaceGroup, in_place};

async fn borrows_a_local_of_the_body() -> Result<(), ()> {
    let result = in_place(async |group: InPlaceGroup<'_, ()>| {
        let local = String::from("of the body");
        group.spawn(async {
            drop(&local);
            Ok(())
        });
        Ok(())
    });
    result.await.map_err(drop)
}

fn main() {}
