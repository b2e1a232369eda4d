using static TorchZoo.Tests.Data.Events.AedatBytes;

namespace TorchZoo.Tests.Data.Events;

/// <summary>A small folder of DVS128 Gesture's layout: three recordings of two gestures each.</summary>
internal static class DvsGestureFolder
{
    public static void Write(string folder)
    {
        File.WriteAllText(Path.Combine(folder, "trials_to_train.txt"), "user01_led.aedat\r\nuser02_lab.aedat\r\n\r\n");
        File.WriteAllText(Path.Combine(folder, "trials_to_test.txt"), "user24_led.aedat\n");
        foreach (var name in new[] { "user01_led", "user02_lab", "user24_led" })
        {
            byte[][] events = [.. Enumerable.Range(0, 20).Select(i => Event3((uint)(100 + 10 * i), i < 10 ? 10u : 20u, (uint)i,
                i % 2 == 0))];
            File.WriteAllBytes(Path.Combine(folder, name + ".aedat"), [.. Header3, .. Packet(1, 8, 0, events)]);
            // The first gesture from the third event on.
            File.WriteAllText(Path.Combine(folder, name + "_labels.csv"), "class,startTime_usec,endTime_usec\n1,120,200\n2,200,400\n");
        }
    }
}
